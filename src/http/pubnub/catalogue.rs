//! `/package-blueprints`, `/function-blueprints`, `/function-blueprint-params`: packages to begin
//! with, the same for every account and at every moment.

use serde_json::{Value, json};

use super::error::Error;
use super::paging::{Numbered, USUAL};
use super::reply::Reply;
use super::request::Request;
use super::time::format;
use crate::pubnub::catalogue::{Function, Package, Param, WRITTEN, catalogue};

/// C1.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let page = Numbered::newest(&request, USUAL)?;
    request.must_be_allowed()?;
    let named = |package: &&Package| has(&package.name, request.in_query("name"));
    let tagged = |package: &&Package| {
        let mut tags = request.all_in_query("tag");
        tags.all(|tag| package.tags.iter().any(|have| have == tag))
    };
    let all = catalogue().packages.iter();
    let rows = all.filter(named).filter(tagged).map(package).collect();
    Ok(page.of(rows))
}

/// C2.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let found = blueprint(&request)?;
    Ok(Reply::data(200, package(found)))
}

/// C3.
pub async fn functions(request: Request) -> Result<Reply, Error> {
    let found = blueprint(&request)?;
    let rows = found.functions.iter();
    let rows = rows.map(|shown| function(found, shown)).collect();
    Ok(Reply::data(200, rows))
}

/// C4.
pub async fn params_of_function(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("functionBlueprintId")?;
    request.must_be_allowed()?;
    let found = catalogue().function(&id);
    let (_, found) = found.ok_or_else(|| Error::missing("Function Blueprint", &id))?;
    let rows = found.params.iter().map(param).collect();
    Ok(Reply::data(200, rows))
}

/// C5.
pub async fn params(request: Request) -> Result<Reply, Error> {
    let page = Numbered::newest(&request, USUAL)?;
    let of = request.id_in_query("package_blueprint_id")?;
    request.must_be_allowed()?;
    let packages = catalogue().packages.iter();
    let wanted = packages.filter(|package| of.as_ref().is_none_or(|of| *of == package.id));
    let all = wanted.flat_map(|package| &package.functions);
    let all = all.flat_map(|function| &function.params);
    let named = all.filter(|param| has(&param.name, request.in_query("name")));
    Ok(page.of(named.map(param).collect()))
}

/// C6.
pub async fn get_param(request: Request) -> Result<Reply, Error> {
    let id = request.id_in_path("functionBlueprintParamId")?;
    request.must_be_allowed()?;
    let all = catalogue().packages.iter();
    let all = all.flat_map(|package| &package.functions);
    let mut all = all.flat_map(|function| &function.params);
    let found = all.find(|param| param.id == id);
    let found = found.ok_or_else(|| Error::missing("Function Blueprint Param", &id))?;
    Ok(Reply::data(200, param(found)))
}

/// The package blueprint of the path.
fn blueprint(request: &Request) -> Result<&'static Package, Error> {
    let id = request.id_in_path("packageBlueprintId")?;
    request.must_be_allowed()?;
    let found = catalogue().package(&id);
    found.ok_or_else(|| Error::missing("Package Blueprint", &id))
}

/// Whether a name holds a text, in either case.
fn has(name: &str, text: Option<&str>) -> bool {
    text.is_none_or(|text| name.to_lowercase().contains(&text.to_lowercase()))
}

fn package(package: &Package) -> Value {
    let tags = package.tags.iter().filter_map(|name| {
        let tag = catalogue().tag(name)?;
        Some(json!({
            "id": tag.id,
            "name": tag.name,
            "visibility": "PUBLIC",
            "createdDttm": format(WRITTEN),
            "updatedDttm": format(WRITTEN),
        }))
    });
    json!({
        "id": package.id,
        "parentId": null,
        "name": package.name,
        "version": package.version,
        "description": package.description,
        "iconBase64": null,
        "iconMediaType": null,
        "state": "GENERAL_AVAILABILITY",
        "tags": tags.collect::<Vec<_>>(),
        "createdDttm": format(WRITTEN),
        "updatedDttm": format(WRITTEN),
    })
}

fn function(package: &Package, function: &Function) -> Value {
    let inputs = function.test_inputs.iter().map(|input| {
        json!({
            "id": input.id,
            "functionRevisionId": function.id,
            "payload": input.payload,
            "mimeType": input.mime_type,
            "description": input.description,
            "createdDttm": format(WRITTEN),
            "updatedDttm": format(WRITTEN),
        })
    });
    json!({
        "id": function.id,
        "packageBlueprintId": package.id,
        "name": function.name,
        "type": function.kind,
        "language": "JAVASCRIPT",
        "code": function.text(),
        "params": function.params.iter().map(param).collect::<Vec<_>>(),
        "testInputs": inputs.collect::<Vec<_>>(),
        "config": function.config,
        "sortOrder": function.sort_order,
        "createdDttm": format(WRITTEN),
        "updatedDttm": format(WRITTEN),
    })
}

fn param(param: &Param) -> Value {
    json!({
        "id": param.id,
        "name": param.name,
        "sourceName": param.source_name,
        "type": param.kind,
        "valueType": param.value_type.as_str(),
        "storage": param.storage.as_str(),
        "description": param.description,
        "defaultValue": param.default_value,
        "createdDttm": format(WRITTEN),
        "updatedDttm": format(WRITTEN),
    })
}
