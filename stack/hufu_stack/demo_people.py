"""Who lives in the demo. All names, numbers and mailboxes are made up."""

from dataclasses import dataclass

ECONOMY = "2.16.886.101.90027.20002.20011"  # 臺中市政府經濟發展局
FIRE = "2.16.886.101.20003.20001.20003"  # 內政部消防署
CULTURE = "2.16.886.101.90013.20002.20028"  # 嘉義縣政府文化局: no agency code, below one that has one
HARBOUR = "2.16.886.101.20003.20001.20003.20001"  # 內政部消防署基隆港務消防隊: no manager of its own
COUNCIL = "2.16.886.101.20003.20069"  # 國家發展委員會


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    with_subordinates: bool = False


USER = Role("user")
MANAGER = Role("agency_manager")
MANAGER_OF_ALL_BELOW = Role("agency_manager", with_subordinates=True)
SYSTEM_MANAGER = Role("system_manager")


@dataclass(frozen=True, slots=True)
class Resident:
    """`number` makes his made-up telephone numbers."""

    number: int
    username: str
    name: str
    title: str
    agency_oid: str
    unit_name: str
    role: Role = USER

    @property
    def mailbox(self) -> str:
        return f"{self.username}@home.test"


FIRST = Resident(1, "sysmgr01", "傅守真", "系統管理者", COUNCIL, "資訊管理處", SYSTEM_MANAGER)

MANAGERS = (
    Resident(11, "yschen", "陳雅筑", "科長", ECONOMY, "秘書室", MANAGER),
    Resident(12, "mklin", "林茂坤", "專員", ECONOMY, "人事室", MANAGER),
    Resident(13, "hcwang", "王曉晴", "組長", FIRE, "資訊室", MANAGER_OF_ALL_BELOW),
    Resident(14, "ctlee", "李政廷", "視察", FIRE, "人事室", MANAGER),
    Resident(15, "peiyuwu", "吳珮瑜", "科長", CULTURE, "行政科", MANAGER),
    Resident(16, "jhhuang", "黃俊豪", "科員", CULTURE, "人事室", MANAGER),
)

OFFICIALS = (
    Resident(21, "mingwang", "王小明", "科員", ECONOMY, "工業科"),
    Resident(22, "hualin", "林美華", "技士", ECONOMY, "公用事業科"),
    Resident(23, "zhchang", "張志豪", "股長", ECONOMY, "商業科"),
    Resident(24, "yhtsai", "蔡宜紅", "約僱人員", ECONOMY, "市場管理科"),
    Resident(25, "chekunyu", "游喆堃", "專員", ECONOMY, "招商科"),
    Resident(31, "wlchou", "周文龍", "分隊長", FIRE, "災害搶救組"),
    Resident(32, "sufenho", "何淑芬", "科員", FIRE, "火災預防組"),
    Resident(33, "jwkuo", "郭家瑋", "技士", FIRE, "資訊室"),
    Resident(34, "ilingsu", "蘇怡伶", "專員", FIRE, "緊急救護組"),
    Resident(35, "kunchen", "陳\U00024aac銘", "隊員", HARBOUR, "第一分隊"),
    Resident(41, "ptliao", "廖佩婷", "助理員", CULTURE, "圖書資訊科"),
    Resident(42, "mctseng", "曾明哲", "科員", CULTURE, "藝文推廣科"),
    Resident(43, "ayunbiling", "阿允‧比令", "約聘研究員", CULTURE, "文化資產科"),
)

APPLICANTS = (
    Resident(51, "wangming2", "王小明", "辦事員", ECONOMY, "秘書室"),  # the name of somebody already there
    Resident(52, "jinghlo", "羅淨卉", "科員", ECONOMY, "工業科"),
    Resident(53, "ttpan", "潘廷達", "技佐", FIRE, "災害管理組"),
    Resident(54, "yuyang", "楊雨彤", "隊員", HARBOUR, "第二分隊"),
    Resident(55, "srhsieh", "謝舜仁", "科員", CULTURE, "表演藝術科"),
    Resident(56, "fhsung", "宋芳慧", "科員", COUNCIL, "產業發展處"),  # no manager there or above
)

REFUSED = Resident(61, "kclai", "賴冠全", "工讀生", ECONOMY, "秘書室")
REFUSAL = "工讀生請由主辦同仁代為辦理，不另核發個人公務帳號。"
