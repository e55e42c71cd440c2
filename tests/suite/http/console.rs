//! The console as it is served: its index, its files, who is led to it, and what browsers may keep.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;
use harness::{Answer, TestBank, http_client};
use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use crate::layering::root;

on_sqlite!(
    every_path_below_leads_to_the_index,
    the_index_leads_to_files_that_are_kept_for_ever,
    files_are_compressed_for_those_who_take_it,
    what_is_not_of_this_version_is_not_there,
    browsers_are_led_to_the_console,
    the_console_is_only_read,
    all_of_it_is_small,
);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const ASSETS: &str = "/console/assets/";
/// Bytes of all files in gzip.
const SMALL: usize = 300_000;

/// The folder of the files, as the index names it.
async fn folder(bank: &TestBank) -> String {
    let index = bank.anonymous().get("/console").await.text;
    let (_, rest) = index.split_once(ASSETS).expect("the index names its files");
    let hash = rest.split('/').next().unwrap_or_default();
    assert!(
        hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{hash}"
    );
    format!("{ASSETS}{hash}")
}

/// The names of the files that are served, such as `app/main.js`.
fn names() -> BTreeSet<String> {
    let folder = root().join("api/console");
    let mut names = BTreeSet::new();
    collect(&folder, &folder, &mut names);
    names.retain(|name| name != "index.html" && !name.ends_with(".test.js") && !name.ends_with(".md"));
    names
}

fn collect(root: &Path, folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the console has a folder") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            collect(root, &path, names);
        } else {
            let name = path.strip_prefix(root).expect("a file lies in its folder");
            names.insert(name.display().to_string());
        }
    }
}

/// An answer with the bytes of its body.
async fn ask(bank: &TestBank, path: &str, coding: &str) -> (u16, HeaderMap, Vec<u8>) {
    let request = bank.anonymous().request(Method::GET, path);
    let response = request.header("accept-encoding", coding).send().await;
    let response = response.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.expect("the answer can be read");
    (status, headers, body.to_vec())
}

async fn every_path_below_leads_to_the_index(bank: Arc<TestBank>) {
    let caller = bank.anonymous();
    let index = caller.get("/console").await;
    assert_eq!(
        (index.status, index.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(index.header("content-security-policy"), POLICY);
    assert_eq!(index.header("cache-control"), "public, no-cache");
    assert!(
        index.text.to_ascii_lowercase().starts_with("<!doctype html>"),
        "{}",
        index.text
    );
    assert!(!index.text.contains("__ASSETS__"), "a place is not filled in");
    for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
        assert!(!index.text.contains(inline), "the policy forbids {inline}");
    }
    for path in [
        "/console/",
        "/console?next=%2Fwallets",
        "/console/wallets/01993f2a-5c01-7b20-9a4c-7e2d1f6bac02",
        "/console/a/b/c/",
        "/console/favicon.ico",
        "/console/assets",
        "/console/..%2fetc%2fpasswd",
    ] {
        let answer = caller.get(path).await;
        assert_eq!((answer.status, &answer.text), (200, &index.text), "{path}");
        assert_eq!(answer.header("etag"), index.header("etag"), "{path}");
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
    }
    let known = caller.request(Method::GET, "/console/wallets");
    let known = Answer::of(known.header("if-none-match", index.header("etag"))).await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    assert_eq!(known.header("content-security-policy"), POLICY);
    for path in ["/consoles", "/Console", "/console.html", "//console"] {
        caller.get(path).await.expect_problem(404, "not_found");
    }
}

async fn the_index_leads_to_files_that_are_kept_for_ever(bank: Arc<TestBank>) {
    let folder = folder(&bank).await;
    let index = bank.anonymous().get("/console").await.text;
    let named = index.split(&folder).skip(1);
    let named = named.map(|rest| rest.split(['"', '\'']).next().unwrap_or_default());
    let named = named.map(|name| name.trim_start_matches('/').to_owned());
    let named: Vec<String> = named.filter(|name| !name.is_empty()).collect();
    let names = names();
    assert!(named.iter().any(|name| name.ends_with(".js")), "no script: {named:?}");
    assert!(named.iter().any(|name| name.ends_with(".css")), "no style: {named:?}");
    for name in &named {
        assert!(names.contains(name), "there is no {name}");
    }
    for name in names {
        let answer = bank.anonymous().get(&format!("{folder}/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
        let kind = match name.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "json")) => "application/json",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, "png")) => "image/png",
            Some((_, "woff2")) => "font/woff2",
            other => panic!("{name} is of no known type: {other:?}"),
        };
        assert_eq!(answer.header("content-type"), kind, "{name}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable",
            "{name}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
    }
}

async fn files_are_compressed_for_those_who_take_it(bank: Arc<TestBank>) {
    let folder = folder(&bank).await;
    for name in names() {
        let path = format!("{folder}/{name}");
        let (_, headers, plain) = ask(&bank, &path, "identity").await;
        assert_eq!(headers.get("content-encoding"), None, "{name}");
        let (_, headers, body) = ask(&bank, &path, "gzip, br").await;
        let is_text = !name.ends_with(".png") && !name.ends_with(".woff2");
        assert_eq!(headers.get("content-encoding").is_some(), is_text, "{name}");
        let mut out = Vec::new();
        if is_text {
            GzDecoder::new(&*body).read_to_end(&mut out).expect("the body is gzip");
        } else {
            out = body;
        }
        assert!(out == plain, "{name}: another file comes out");
        let mut vary = headers.get_all("vary").iter();
        assert!(vary.any(|names| names == "accept-encoding"), "{name}: {headers:?}");
    }
}

async fn what_is_not_of_this_version_is_not_there(bank: Arc<TestBank>) {
    let folder = folder(&bank).await;
    let name = names().into_iter().find(|name| name.ends_with(".js"));
    let name = name.expect("the console has a script");
    for path in [
        format!("{ASSETS}0123456789abcdef/{name}"),
        format!("{ASSETS}{name}"),
        format!("{folder}/{name}x"),
        format!("{folder}/{name}/"),
        format!("{folder}/"),
        folder.clone(),
        format!("{folder}/index.html"),
        format!("{folder}//{name}"),
        format!("{folder}/../{name}"),
        format!("{folder}/%2e%2e/Cargo.toml"),
        format!("{folder}/app/..%2f..%2f..%2fCargo.toml"),
        ASSETS.to_owned(),
    ] {
        let answer = bank.anonymous().get(&path).await;
        answer.expect_problem(404, "not_found");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

async fn browsers_are_led_to_the_console(bank: Arc<TestBank>) {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(service::tls::client_config())
        .redirect(Policy::none());
    let client = client.build().expect("a client can be made");
    let address = format!("http://{}/", bank.address);
    let ask = async |method: Method, accept: Option<&str>| {
        let mut request = client.request(method, &address);
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        Answer::of(request).await
    };
    for accept in [
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "TEXT/HTML",
        "*/*, text/html;q=0.1",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = ask(method, Some(accept)).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, "/console"),
                "{accept}"
            );
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.text.is_empty());
        }
    }
    for accept in [
        None,
        Some("*/*"),
        Some("application/json"),
        Some("text/*"),
        Some("text/html;q=0"),
    ] {
        let answer = ask(Method::GET, accept).await;
        assert_eq!(answer.status, 200, "{accept:?}");
        assert!(answer.text.contains("<a href=\"/console\">") && answer.text.contains("<a href=\"/docs\">"));
        let mut vary = answer.headers.get_all("vary").iter();
        assert!(vary.any(|names| names == "accept"), "a proxy mixes the two up");
    }
    let posted = ask(Method::POST, Some("text/html")).await;
    posted.expect_problem(405, "method_not_allowed");
    // All the way, as a browser goes it.
    let led = http_client().get(&address).header("accept", "text/html");
    assert!(Answer::of(led).await.text.contains(ASSETS));
}

async fn the_console_is_only_read(bank: Arc<TestBank>) {
    let folder = folder(&bank).await;
    let script = names().into_iter().find(|name| name.ends_with(".js"));
    let script = format!("{folder}/{}", script.expect("the console has a script"));
    for path in ["/console", "/console/", "/console/wallets", &script] {
        let get = bank.anonymous().get(path).await;
        let head = Answer::of(bank.anonymous().request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        for name in ["content-type", "cache-control", "etag", "content-security-policy"] {
            assert_eq!(head.header(name), get.header(name), "{path}");
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = Answer::of(bank.anonymous().request(method, path)).await;
            answer.expect_problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "GET, HEAD", "{path}");
        }
    }
}

async fn all_of_it_is_small(bank: Arc<TestBank>) {
    let folder = folder(&bank).await;
    let paths = names().into_iter().map(|name| format!("{folder}/{name}"));
    let mut bytes = 0;
    for path in paths.chain(["/console".to_owned()]) {
        bytes += ask(&bank, &path, "gzip").await.2.len();
    }
    assert!(bytes < SMALL, "{bytes} bytes over the wire");
}
