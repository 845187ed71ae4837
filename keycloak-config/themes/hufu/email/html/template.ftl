<#macro emailLayout>
<!doctype html>
<html lang="${locale.toLanguageTag()}" dir="${(ltr)?then('ltr','rtl')}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${msg("hufuProduct")}</title></head>
<body style="margin:0;padding:24px 16px;background:#f6f8fa;color:#1f2328;font:16px/1.6 system-ui,'Noto Sans TC','PingFang TC','Microsoft JhengHei',sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px 28px;background:#ffffff;border:1px solid #d8dee4;border-radius:8px">
<p style="margin:0 0 16px;padding-bottom:12px;border-bottom:3px solid #b3261e;font-weight:600">${msg("hufuProduct")}</p>
<#nested>
<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid #d8dee4;color:#57606a;font-size:14px">${msg("hufuMailFooter")}</p>
</div>
</body>
</html>
</#macro>
<#macro button link text>
<p style="margin:24px 0"><a href="${link}" style="display:inline-block;padding:10px 20px;border-radius:6px;background:#0b57d0;color:#ffffff;font-weight:600;text-decoration:none">${text}</a></p>
</#macro>
