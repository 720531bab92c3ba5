//! What is described is what there is.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;

use super::{DESCRIPTION, Problem};
use crate::endpoint::Endpoint;

#[test]
fn the_description_names_every_route_and_method() {
    let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    let mut described: Vec<_> = paths.keys().map(String::as_str).collect();
    described.sort_unstable();
    assert_eq!(
        described,
        ["/openapi.json", "/secrets", "/secrets/{name}"],
        "one for each endpoint of the API"
    );
    for (path, item) in paths {
        let address = format!("/api/v1{}", path.replace("{name}", "x"));
        let endpoint = Endpoint::of(&address).expect("an endpoint");
        assert!(endpoint.is_api(), "{address}");
        let served: BTreeSet<_> = endpoint.methods().iter().map(Method::to_string).collect();
        let operations = item.as_object().expect("an item").keys().filter(|key| *key != "parameters");
        assert_eq!(served, operations.map(|method| method.to_uppercase()).collect(), "{path}");
        assert_eq!(endpoint.allow().split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), served);
    }
}

#[test]
fn each_problem_has_a_reason_of_its_own() {
    let reasons: BTreeSet<_> = Problem::ALL.iter().map(|problem| problem.row().0).collect();
    assert_eq!(reasons.len(), Problem::ALL.len());
}
