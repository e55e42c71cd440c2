//! The page to which the `type` of every problem links: what each code means, and what to do.

use std::fmt::Write;

use crate::problem::Code;

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Florin API - Problem codes</title>
<style>
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark }
h2 { margin: 2rem 0 0; font-size: 1.1rem }
section:target { outline: 2px solid; outline-offset: 0.6rem }
p { margin: 0.3rem 0 }
</style>
</head>
<body>
<h1>Problem codes</h1>
<p>Every failure is a JSON document. Its <code>code</code> is stable, and programs may branch on it; its <code>detail</code> is
for people and may change. Its <code>request_id</code> names the request in the server's log: tell it to the operators when you
ask them. To the <a href=\"/docs\">operations</a>.</p>
";

/// A section for each code, with the code as its anchor: the `type` of a problem links to it.
pub fn html() -> String {
    let mut html = HEAD.to_owned();
    for code in Code::ALL {
        let (word, title, status) = (code.as_str(), code.title(), code.status().as_u16());
        let advice = code.advice();
        // Writing to a String cannot fail.
        let _ = writeln!(
            html,
            "<section id=\"{word}\"><h2><code>{word}</code> · {status} {title}</h2>\n<p>{}</p>\n<p><strong>What to do:</strong> {}</p></section>",
            advice.meaning, advice.action
        );
    }
    html.push_str("</body>\n</html>\n");
    html
}
