//! The files of the console. A release has them in the program; a debug build reads the folder anew for each request, so
//! that a reload shows an edit.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use poem::Response;
use poem::http::{HeaderMap, HeaderValue, header};
use rust_embed::Embed;
use sha2::{Digest as _, Sha256};

use super::ASSETS;
use crate::static_page::StaticPage;
use crate::wire::{gzip, takes_gzip};

/// Scripts and styles of our own files only, none in the page itself; requests to this server only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The name says what is in the file, so a copy is never too old.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const VARY: HeaderValue = HeaderValue::from_static("accept-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

const INDEX: &str = "index.html";
/// Stands in the index for the folder of the other files.
const ASSETS_PLACE: &str = "__ASSETS__";
/// Tests of the scripts, and what developers read, stand beside them and are not served.
const NOT_SERVED: [&str; 2] = [".test.js", ".md"];

/// What is served, by the end of a file's name: its type, and whether it is a text, which gets smaller in gzip.
const KINDS: [(&str, HeaderValue, bool); 6] = [
    ("css", HeaderValue::from_static("text/css; charset=utf-8"), true),
    ("js", HeaderValue::from_static("text/javascript; charset=utf-8"), true),
    ("json", HeaderValue::from_static("application/json"), true),
    ("svg", HeaderValue::from_static("image/svg+xml"), true),
    ("png", HeaderValue::from_static("image/png"), false),
    ("woff2", HeaderValue::from_static("font/woff2"), false),
];

#[derive(Embed)]
#[folder = "console/"]
struct ConsoleFiles;

/// The console of one version.
pub struct Site {
    /// Hexadecimal digits that differ for any other content of the files.
    pub hash: String,
    /// The page that every path leads to.
    pub index: StaticPage,
    assets: BTreeMap<String, Asset>,
}

/// A file that a page loads.
pub struct Asset {
    plain: Bytes,
    kind: HeaderValue,
    is_text: bool,
    /// Made by the first request for it.
    gzip: OnceLock<Bytes>,
}

type Files = BTreeMap<String, Cow<'static, [u8]>>;

static EMBEDDED: OnceLock<Arc<Site>> = OnceLock::new();

impl Site {
    /// The files as they are: of a release made once, of a debug build each time.
    pub fn current() -> Arc<Self> {
        if let Some(site) = EMBEDDED.get() {
            return site.clone();
        }
        let files = files();
        let is_embedded = files.values().all(|data| matches!(data, Cow::Borrowed(_)));
        let site = Arc::new(Self::of(files));
        if is_embedded {
            EMBEDDED.get_or_init(|| site).clone()
        } else {
            site
        }
    }

    /// The file of a name, such as `app/main.js`; the index is not among them.
    pub fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }

    fn of(mut files: Files) -> Self {
        let hash = hash_of(&files);
        let index = files.remove(INDEX).unwrap_or_default();
        let index = String::from_utf8_lossy(&index).replace(ASSETS_PLACE, &format!("{ASSETS}{hash}"));
        let assets = files.into_iter().filter_map(|(name, data)| {
            let asset = Asset::of(&name, data)?;
            Some((name, asset))
        });
        Self {
            assets: assets.collect(),
            index: StaticPage::html_with_policy(index, CONTENT_SECURITY_POLICY),
            hash,
        }
    }
}

fn files() -> Files {
    let names = ConsoleFiles::iter().filter(|name| !NOT_SERVED.iter().any(|end| name.ends_with(end)));
    let found = names.filter_map(|name| Some((name.to_string(), ConsoleFiles::get(&name)?.data)));
    found.collect()
}

/// Each name and each content with its length before it, so that no two sets of files look alike.
fn hash_of(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (name, data) in files {
        for part in [name.as_bytes(), &data[..]] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Asset {
    /// `None` for a name whose end is not in the table: nothing is served whose type is not known.
    fn of(name: &str, data: Cow<'static, [u8]>) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        let (_, kind, is_text) = KINDS.into_iter().find(|(known, _, _)| *known == end)?;
        let plain = match data {
            Cow::Borrowed(data) => Bytes::from_static(data),
            Cow::Owned(data) => data.into(),
        };
        Some(Self {
            plain,
            kind,
            is_text,
            gzip: OnceLock::new(),
        })
    }

    /// Answers a GET or a HEAD with these headers.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_gzip = self.is_text && takes_gzip(request);
        let body = if is_gzip {
            self.gzip.get_or_init(|| gzip(&self.plain).into())
        } else {
            &self.plain
        };
        let mut response = Response::from(body.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        headers.insert(header::VARY, VARY);
        if is_gzip {
            headers.insert(header::CONTENT_ENCODING, GZIP);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[(&str, &str)]) -> Site {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Cow::Owned(text.as_bytes().to_vec())));
        Site::of(files.collect())
    }

    #[test]
    fn the_hash_is_of_every_name_and_every_content() {
        let all = [("index.html", "i"), ("app/a.js", "a"), ("app/b.js", "b")];
        let hash = site(&all).hash;
        assert_eq!(site(&all).hash, hash);
        assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        for other in [
            [("index.html", "x"), ("app/a.js", "a"), ("app/b.js", "b")],
            [("index.html", "i"), ("app/a.js", "b"), ("app/b.js", "a")],
            [("index.html", "i"), ("app/a.j", "sa"), ("app/b.js", "b")],
            [("index.html", "i"), ("app/a.js", "a"), ("app/c.js", "b")],
        ] {
            assert_ne!(site(&other).hash, hash, "{other:?}");
        }
        assert_ne!(site(&all[..2]).hash, hash);
    }

    #[test]
    fn assets_are_what_has_a_type_and_is_not_the_index() {
        let site = site(&[("index.html", "i"), ("app/a.js", "a"), ("notes", "n"), ("a.exe", "e")]);
        assert!(site.asset("app/a.js").is_some());
        for name in [
            "index.html",
            "notes",
            "a.exe",
            "a.js",
            "/app/a.js",
            "app/../app/a.js",
            "",
        ] {
            assert!(site.asset(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let (files, site) = (files(), Site::current());
        assert!(files.contains_key(INDEX) && files.len() > 1, "{:?}", files.keys());
        for name in files.keys().filter(|name| *name != INDEX) {
            assert!(site.asset(name).is_some(), "the type of {name} is not known");
        }
        assert!(
            files
                .keys()
                .all(|name| !NOT_SERVED.iter().any(|end| name.ends_with(end)))
        );
    }
}
