"""What agencies are called for short by everybody, where it is no abbreviation that the search finds by itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

USUAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "外交部領事事務局": ("BOCA",),
        "內政部移民署": ("移民局", "NIA"),
        "行政院環境保護署": ("EPA",),
        "行政院農業委員會": ("COA",),
        "國家通訊傳播委員會": ("NCC",),
        "國家發展委員會": ("NDC", "經建會", "研考會"),
        "科技部": ("國科會", "MOST"),
        "財政部關務署": ("海關",),
        "金融監督管理委員會": ("FSC",),
        "新北市政府": ("新北", "新北市府"),
        "經濟部智慧財產局": ("TIPO",),
        "臺北大眾捷運股份有限公司": ("北捷",),
        "臺北市政府": ("北市", "北市府"),
        "桃園國際機場股份有限公司": ("桃機",),
        "衛生福利部": ("衛生署",),
        "衛生福利部中央健康保險署": ("健保局", "NHI"),
        "衛生福利部疾病管制署": ("疾管局", "CDC"),
        "衛生福利部食品藥物管理署": ("食藥局", "FDA", "TFDA"),
    }
)
