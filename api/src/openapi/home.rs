//! The page at `/` for programs, and for people who read it with one: what answers here, and where to go on. Browsers are led
//! to the console, which has the same links.

/// The page, with the version of the program in it.
pub fn html() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Florin</title>
<style>
body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark }}
dt {{ margin-top: 0.8rem; font-weight: 600 }}
dd {{ margin: 0 }}
</style>
</head>
<body>
<h1>Florin</h1>
<p>A wallet and transfer bank: wallets in exact decimals, and transfers between them over an authenticated REST API. This is
version {version}.</p>
<dl>
<dt><a href=\"/console\">Look at the bank</a></dt>
<dd>The console, for customers and staff: it uses this API and nothing else</dd>
<dt><a href=\"/docs\">Try every operation</a></dt>
<dd>Swagger UI: register, sign in, put the token into <em>Authorize</em></dd>
<dt><a href=\"/redoc\">Read the API</a></dt>
<dd>ReDoc; the document itself is <a href=\"/openapi.json\">openapi.json</a></dd>
<dt><a href=\"/docs/problems\">Look up a problem</a></dt>
<dd>What each code of a refusal means, and what to do</dd>
<dt><a href=\"/health\">Health</a></dt>
<dd>For machines there are <a href=\"/livez\">livez</a>, <a href=\"/readyz\">readyz</a> and <a href=\"/metrics\">metrics</a></dd>
</dl>
</body>
</html>
"
    )
}
