//! What the OpenAPI document knows about each path and poem does not say: its methods, the true names of its path
//! parameters, and which query parameters it takes.

use std::collections::HashMap;

use poem::{Error, PathPattern, Request, http::Method};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// The operations of the API by path.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    by_shape: HashMap<String, Path>,
}

#[derive(Debug, Clone, Default)]
struct Path {
    template: String,
    parameters: Vec<String>,
    allow: String,
    queries: Vec<(Method, Vec<Query>)>,
}

#[derive(Debug, Clone)]
struct Query {
    name: String,
    is_list: bool,
}

/// Only the bank's own paths refuse unknown query parameters; reports may be asked with a cache-buster.
const STRICT_PREFIX: &str = "/v1/";

impl Routes {
    /// Reads the paths of an OpenAPI document.
    pub fn of_document(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let by_shape = paths.filter_map(|(path, item)| Some((shape(path), Path::read(path, item.as_object()?))));
        Self {
            by_shape: by_shape.collect(),
        }
    }

    /// Adds pages that the document does not list; each path is its own template.
    #[must_use]
    pub fn with_pages(mut self, paths: &[&str]) -> Self {
        for path in paths {
            let page = Path {
                template: (*path).to_owned(),
                allow: "GET, HEAD".to_owned(),
                ..Path::default()
            };
            self.by_shape.insert(shape(path), page);
        }
        self
    }

    /// The path of the document that a request's path fits.
    pub(super) fn template(&self, path: &str) -> Option<&str> {
        self.find(path).map(|path| path.template.as_str())
    }

    /// The methods of the path that an error comes from.
    pub(super) fn allow(&self, error: &Error) -> Option<&str> {
        self.of_error(error).map(|path| path.allow.as_str())
    }

    /// poem-openapi calls path parameters `param0`, `param1`; this is what the API calls them.
    pub(super) fn true_parameter_name<'a>(&'a self, error: &Error, internal: &'a str) -> &'a str {
        let index: Option<usize> = internal.strip_prefix("param").and_then(|index| index.parse().ok());
        let path = self.of_error(error);
        path.zip(index)
            .and_then(|(path, index)| path.parameters.get(index))
            .map_or(internal, String::as_str)
    }

    /// Refuses query parameters that the operation does not know, and single ones that are given twice.
    pub(super) fn check_query(&self, request: &Request) -> Result<(), Problem> {
        let uri = request.uri();
        if uri.query().is_none_or(str::is_empty) || !uri.path().starts_with(STRICT_PREFIX) {
            return Ok(());
        }
        let Some(known) = self.find(uri.path()).and_then(|path| path.queries_of(request.method())) else {
            return Ok(());
        };
        let given: Vec<(String, String)> = request.params().unwrap_or_default();
        for (index, (name, _)) in given.iter().enumerate() {
            match known.iter().find(|query| query.name == *name) {
                None => return Err(Problem::invalid_field(name, "there is no such query parameter")),
                Some(query) if !query.is_list && given[..index].iter().any(|(other, _)| other == name) => {
                    return Err(Problem::invalid_field(
                        name,
                        "this query parameter is given more than once",
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The error carries the pattern of the route it comes from.
    fn of_error(&self, error: &Error) -> Option<&Path> {
        self.by_shape.get(&shape(&error.data::<PathPattern>()?.0))
    }

    /// The path a request is for: the exact one, else the one that differs in parameters only.
    fn find(&self, path: &str) -> Option<&Path> {
        if let Some(exact) = self.by_shape.get(path) {
            return Some(exact);
        }
        let fits = |shape: &str| {
            let (mut ours, mut theirs) = (shape.split('/'), path.split('/'));
            loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => return true,
                    (Some("{}"), Some(_)) => {}
                    (Some(one), Some(other)) if one == other => {}
                    _ => return false,
                }
            }
        };
        // Literal segments win over parameters, as they do in the router.
        let fitting = self.by_shape.iter().filter(|(shape, _)| fits(shape));
        fitting
            .min_by_key(|(_, path)| path.parameters.len())
            .map(|(_, path)| path)
    }
}

impl Path {
    fn read(template: &str, item: &Map<String, Value>) -> Self {
        let names = template
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let mut queries = Vec::new();
        for (method, operation) in item {
            if let Ok(method) = method.to_ascii_uppercase().parse::<Method>() {
                queries.push((method, queries_of_operation(operation)));
            }
        }
        let mut allow: Vec<&str> = queries.iter().map(|(method, _)| method.as_str()).collect();
        if allow.contains(&"GET") && !allow.contains(&"HEAD") {
            // poem answers HEAD wherever there is a GET.
            allow.push("HEAD");
        }
        allow.sort_unstable();
        Self {
            template: template.to_owned(),
            parameters: names.map(str::to_owned).collect(),
            allow: allow.join(", "),
            queries,
        }
    }

    fn queries_of(&self, method: &Method) -> Option<&[Query]> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.queries
            .iter()
            .find(|(known, _)| known == method)
            .map(|(_, queries)| queries.as_slice())
    }
}

fn queries_of_operation(operation: &Value) -> Vec<Query> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let queries = parameters.filter(|parameter| parameter["in"] == "query");
    let read = |parameter: &Value| {
        let name = parameter["name"].as_str()?.to_owned();
        Some(Query {
            name,
            is_list: parameter["schema"]["type"] == "array",
        })
    };
    queries.filter_map(read).collect()
}

/// A path with its parameters' names left out: `/v1/wallets/{id}` and `/v1/wallets/:param0` are one.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.as_bytes().first() {
        Some(b':' | b'{') => "{}",
        _ => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use poem::http::Uri;
    use serde_json::json;

    use super::*;

    fn routes() -> Routes {
        let page = json!([
            { "in": "path", "name": "id" },
            { "in": "query", "name": "limit", "schema": { "type": "integer" } },
            { "in": "query", "name": "kind", "schema": { "type": "array" } }
        ]);
        Routes::of_document(&json!({ "paths": {
            "/v1/users/me": { "get": {}, "patch": {} },
            "/v1/users/{id}": { "get": { "parameters": page } },
            "/statistics": { "get": {} },
        }}))
    }

    fn check(uri: &'static str) -> Result<(), Problem> {
        routes().check_query(&Request::builder().uri(Uri::from_static(uri)).finish())
    }

    #[test]
    fn unknown_and_repeated_query_parameters_are_refused_under_v1() {
        assert!(check("/v1/users/7?limit=1&kind=a&kind=b").is_ok());
        assert!(check("/v1/users/7?limit=1&limit=2").is_err());
        assert!(check("/v1/users/7?limt=1").is_err());
        assert!(check("/v1/users/me?limit=1").is_err());
        assert!(check("/v1/users/me?").is_ok());
        assert!(check("/v1/unknown?x=1").is_ok());
        assert!(check("/statistics?_=1").is_ok());
    }

    #[test]
    fn a_path_has_the_template_of_the_document() {
        let routes = routes().with_pages(&["/docs"]);
        assert_eq!(routes.template("/v1/users/7"), Some("/v1/users/{id}"));
        assert_eq!(routes.template("/v1/users/me"), Some("/v1/users/me"));
        assert_eq!(routes.template("/docs"), Some("/docs"));
        assert_eq!(routes.template("/v1/users/7/x"), None);
    }

    #[test]
    fn head_is_allowed_where_get_is() {
        assert_eq!(routes().by_shape["/v1/users/me"].allow, "GET, HEAD, PATCH");
    }

    #[test]
    fn the_routers_pattern_and_the_documents_path_have_one_shape() {
        assert_eq!(shape("/v1/users/:param0/x"), shape("/v1/users/{id}/x"));
    }
}
