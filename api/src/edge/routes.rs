//! What the OpenAPI document says about each path and poem does not: its methods, the published names of its path
//! parameters, and its query parameters.

use std::collections::{BTreeSet, HashMap};

use poem::{
    Error, PathPattern, Request,
    http::{Method, Uri},
};
use serde_json::{Map, Value};

use crate::fields::{FAULTS_MAX, Parameter};
use crate::problem::{Code, FieldFault, Problem};

/// The operations of the API by path.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    by_shape: HashMap<String, Path>,
    /// Pages below which every path is a page too, each with a slash at its end.
    trees: Vec<(String, Path)>,
}

#[derive(Debug, Clone, Default)]
struct Path {
    template: String,
    /// The path parameters, in the order of the template.
    parameters: Vec<Parameter>,
    allow: String,
    queries: Vec<(Method, Vec<Parameter>)>,
}

/// The method and URI of a request, kept to name its faulty parameters in the answer.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    method: Method,
    uri: Uri,
}

impl Asked {
    pub fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
        }
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let request = Request::builder().uri(self.uri.clone()).finish();
        request.params().unwrap_or_default()
    }
}

/// Only paths with this prefix refuse unknown query parameters; reports may be requested with a cache-buster.
const STRICT_PREFIX: &str = "/v1/";

impl Routes {
    /// Reads the paths of an OpenAPI document.
    pub fn of_document(document: &Value) -> Self {
        let (paths, named) = (
            document["paths"].as_object().into_iter().flatten(),
            &document["components"]["schemas"],
        );
        let by_shape = paths.filter_map(|(path, item)| Some((shape(path), Path::read(path, item.as_object()?, named))));
        Self {
            by_shape: by_shape.collect(),
            trees: Vec::new(),
        }
    }

    /// Adds pages that the document does not list; each path is its own template.
    #[must_use]
    pub fn with_pages(mut self, paths: &[&str]) -> Self {
        for path in paths {
            self.by_shape.insert(shape(path), Path::of_page((*path).to_owned()));
        }
        self
    }

    /// Adds a page and all paths below it, which have one template.
    #[must_use]
    pub fn with_tree(self, root: &str) -> Self {
        let mut routes = self.with_pages(&[root]);
        let below = Path::of_page(format!("{root}/{{path}}"));
        routes.trees.push((format!("{root}/"), below));
        routes
    }

    /// The template in the document that a request's path matches.
    pub(super) fn template(&self, path: &str) -> Option<&str> {
        self.find(path).map(|path| path.template.as_str())
    }

    /// The methods of the path that an error comes from.
    pub(super) fn allow(&self, error: &Error) -> Option<&str> {
        self.of_error(error).map(|path| path.allow.as_str())
    }

    /// Names the path parameter that cannot be read, by its published name: poem-openapi calls them `param0`, `param1`.
    pub(super) fn path_fault(&self, error: &Error, internal: &str) -> Problem {
        let index: Option<usize> = internal.strip_prefix("param").and_then(|index| index.parse().ok());
        let path = self.of_error(error);
        match path.zip(index).and_then(|(path, index)| path.parameters.get(index)) {
            Some(parameter) => Problem::invalid_field(&parameter.name, parameter.must_be()),
            None => Problem::invalid_field(internal, "cannot be read"),
        }
    }

    /// Refuses query parameters that the operation does not have, and single ones that are given twice.
    pub(super) fn check_query(&self, request: &Request) -> Result<(), Problem> {
        let uri = request.uri();
        if uri.query().is_none_or(str::is_empty) || !uri.path().starts_with(STRICT_PREFIX) {
            return Ok(());
        }
        let asked = Asked::of(request);
        let Some(known) = self.known_queries(&asked) else {
            return Ok(());
        };
        let given = asked.parameters();
        let is_well_named = |(index, (name, _)): (usize, &(String, String))| {
            known
                .iter()
                .find(|query| query.name == *name)
                .is_some_and(|query| query.is_list || given[..index].iter().all(|(other, _)| other != name))
        };
        if given.iter().enumerate().all(is_well_named) {
            return Ok(());
        }
        Err(Problem::of_fields(
            Code::InvalidRequest,
            self.query_faults(&asked, None),
        ))
    }

    /// Every query parameter that is refused, in the order of the request. `first` is one that could not be read, with
    /// the message of its type if there is one.
    pub(super) fn query_faults(&self, asked: &Asked, first: Option<(&str, Option<&str>)>) -> Vec<FieldFault> {
        let (known, given) = (self.known_queries(asked).unwrap_or_default(), asked.parameters());
        let is_strict = asked.uri.path().starts_with(STRICT_PREFIX);
        let mut faults: Vec<FieldFault> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (name, value) in &given {
            let is_again = !seen.insert(name);
            let fault = match known.iter().find(|query| query.name == *name) {
                None => is_strict.then(|| "there is no such query parameter".to_owned()),
                Some(query) if is_again && !query.is_list => {
                    is_strict.then(|| "this query parameter is given more than once".to_owned())
                }
                Some(query) => (!query.takes(value)).then(|| query.must_be()),
            };
            faults.extend(fault.map(|message| FieldFault::new(name, message)));
        }
        if let Some((name, words)) = first
            && !faults.iter().any(|fault| fault.field() == name)
        {
            let must_be = || known.iter().find(|query| query.name == name).map(Parameter::must_be);
            let message = words.map(str::to_owned).or_else(must_be);
            faults.insert(0, FieldFault::new(name, message.as_deref().unwrap_or("cannot be read")));
        }
        faults.truncate(FAULTS_MAX);
        faults
    }

    fn known_queries(&self, asked: &Asked) -> Option<&[Parameter]> {
        self.find(asked.uri.path())?.queries_of(&asked.method)
    }

    /// The error carries the pattern of the route it comes from.
    fn of_error(&self, error: &Error) -> Option<&Path> {
        self.by_shape.get(&shape(&error.data::<PathPattern>()?.0))
    }

    /// The path of a request: the exact one, otherwise the one that differs only in parameters.
    fn find(&self, path: &str) -> Option<&Path> {
        if let Some(exact) = self.by_shape.get(path) {
            return Some(exact);
        }
        let fits = |shape: &str| {
            let (ours, theirs) = (shape.split('/'), path.split('/'));
            let mut pairs = ours.clone().zip(theirs.clone());
            pairs.all(|(one, other)| one == "{}" || one == other) && ours.count() == theirs.count()
        };
        // Literal segments win over parameters, as they do in the router.
        let fitting = self.by_shape.iter().filter(|(shape, _)| fits(shape));
        let fitting = fitting.min_by_key(|(_, path)| path.parameters.len());
        let in_tree = || self.trees.iter().find(|(root, _)| path.starts_with(root.as_str()));
        fitting
            .map(|(_, path)| path)
            .or_else(|| in_tree().map(|(_, path)| path))
    }
}

impl Path {
    fn of_page(template: String) -> Self {
        Self {
            template,
            allow: "GET, HEAD".to_owned(),
            ..Self::default()
        }
    }

    fn read(template: &str, item: &Map<String, Value>, named: &Value) -> Self {
        let mut queries = Vec::new();
        for (method, operation) in item {
            if let Ok(method) = method.to_ascii_uppercase().parse::<Method>() {
                queries.push((method, parameters_in(operation, "query", named)));
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
            parameters: path_parameters(template, item, named),
            allow: allow.join(", "),
            queries,
        }
    }

    fn queries_of(&self, method: &Method) -> Option<&[Parameter]> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.queries
            .iter()
            .find(|(known, _)| known == method)
            .map(|(_, queries)| queries.as_slice())
    }
}

fn parameters_in(operation: &Value, place: &str, named: &Value) -> Vec<Parameter> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter(|parameter| parameter["in"] == place);
    parameters
        .filter_map(|parameter| Parameter::of_document(parameter, named))
        .collect()
}

/// The parameters of a template in its order. All operations of a path have the same.
fn path_parameters(template: &str, item: &Map<String, Value>, named: &Value) -> Vec<Parameter> {
    let mut described = item
        .values()
        .flat_map(|operation| parameters_in(operation, "path", named))
        .collect::<Vec<_>>();
    let names = template
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let find = |name: &str| {
        let place = described.iter().position(|parameter| parameter.name == name)?;
        Some(described.swap_remove(place))
    };
    names.filter_map(find).collect()
}

/// A path without the names of its parameters: the same for `/v1/wallets/{id}` and `/v1/wallets/:param0`.
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
        let routes = routes().with_pages(&["/docs"]).with_tree("/pages");
        assert_eq!(routes.template("/v1/users/7"), Some("/v1/users/{id}"));
        assert_eq!(routes.template("/v1/users/me"), Some("/v1/users/me"));
        assert_eq!(routes.template("/docs"), Some("/docs"));
        assert_eq!(routes.template("/v1/users/7/x"), None);
        assert_eq!(routes.template("/pages"), Some("/pages"));
        for below in ["/pages/", "/pages/a", "/pages/a/b.js"] {
            assert_eq!(routes.template(below), Some("/pages/{path}"));
        }
        assert_eq!(routes.template("/pagesa"), None);
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
