use serde_json::json;

use projections::query::{Filter, Operator, Scalar};

use super::*;

fn newest() -> Format {
    Format::of(&http::HeaderMap::new())
}

fn ask(schema: &Schema, queries: &[Value]) -> Result<Wanted, Error> {
    let pairs: String = queries
        .iter()
        .map(|query| {
            let text = match query {
                Value::String(text) => text.clone(),
                query => query.to_string(),
            };
            let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            format!("queries[]={text}&")
        })
        .collect();
    let parameters = super::super::parameters::from_query(Some(&pairs));
    read(&parameters, schema, newest())
}

#[test]
fn queries_become_a_list_request() {
    let wanted = ask(
        &EXECUTIONS,
        &[
            json!({"method": "equal", "attribute": "status", "values": ["failed", "completed"]}),
            json!({"method": "greaterThan", "attribute": "duration", "values": [0.5]}),
            json!({"method": "or", "values": [
                {"method": "isNull", "attribute": "deploymentId"},
                {"method": "between", "attribute": "$createdAt",
                    "values": ["1970-01-01T00:00:00.000Z", "1970-01-01T00:00:01.000+00:00"]},
            ]}),
            json!({"method": "orderDesc", "values": ["$id"]}),
            json!({"method": "orderAsc", "attribute": "responseStatusCode"}),
            json!({"method": "limit", "values": [7]}),
            json!({"method": "limit", "values": [8]}),
            json!({"method": "offset", "values": [3]}),
            json!({"method": "cursorAfter", "values": ["abc"]}),
        ],
    )
    .unwrap();
    let list = wanted.list;
    assert_eq!(
        (list.limit, list.offset, wanted.limited),
        (7, 3, true),
        "only the first limit counts"
    );
    assert_eq!(list.cursor, Some(Cursor::After("abc".to_owned())));
    assert_eq!(
        list.order,
        [
            Order {
                by: OrderBy::Insertion,
                descending: true
            },
            Order {
                by: OrderBy::Column("response_status_code"),
                descending: false
            },
        ]
    );
    let compare = |column, operator, values| Filter::Compare {
        column,
        operator,
        values,
    };
    assert_eq!(
        list.filters,
        [
            compare(
                "status",
                Operator::Equal,
                vec![
                    Scalar::Text("failed".to_owned()),
                    Scalar::Text("completed".to_owned())
                ]
            ),
            compare(
                "duration_us",
                Operator::Greater,
                vec![Scalar::Integer(500_000)]
            ),
            Filter::Or(vec![
                compare("deployment_id", Operator::IsNull, vec![]),
                compare(
                    "created_at",
                    Operator::Between,
                    vec![Scalar::Integer(0), Scalar::Integer(1000)]
                ),
            ]),
        ]
    );
}

#[test]
fn refusals_name_what_is_wrong() {
    let deep = (0..12).fold(
        json!({"method": "equal", "attribute": "name", "values": ["x"]}),
        |inner, _| json!({"method": "and", "values": [inner, {"method": "isNull", "attribute": "name"}]}),
    );
    let invalid = "general_argument_invalid";
    let unindexed = "general_query_invalid";
    for (query, kind, text) in [
        (json!("{"), invalid, "not valid JSON"),
        (json!("[]"), invalid, "must be an object"),
        (
            json!({"method": "frobnicate"}),
            invalid,
            "Query method is invalid: frobnicate",
        ),
        (
            json!({"method": "equal", "attribute": "foo", "values": [1]}),
            invalid,
            "Attribute not found in schema: foo",
        ),
        (
            json!({"method": "orderAsc", "attribute": "foo"}),
            invalid,
            "Attribute not found in schema: foo",
        ),
        (
            json!({"method": "equal", "attribute": "name", "values": []}),
            invalid,
            "Equal queries require at least one value.",
        ),
        (
            json!({"method": "notEqual", "attribute": "name", "values": ["a", "b"]}),
            invalid,
            "NotEqual queries require exactly one value.",
        ),
        (
            json!({"method": "between", "attribute": "timeout", "values": [1]}),
            invalid,
            "exactly two values",
        ),
        (
            json!({"method": "equal", "attribute": "timeout", "values": ["15"]}),
            invalid,
            "Query value is invalid for attribute \"timeout\"",
        ),
        (
            json!({"method": "equal", "attribute": "enabled", "values": [1]}),
            invalid,
            "enabled",
        ),
        (
            json!({"method": "equal", "attribute": "$createdAt", "values": ["then"]}),
            invalid,
            "$createdAt",
        ),
        (
            json!({"method": "contains", "attribute": "timeout", "values": [1]}),
            invalid,
            "not a string",
        ),
        (
            json!({"method": "limit", "values": [0]}),
            invalid,
            "Invalid limit",
        ),
        (
            json!({"method": "offset", "values": [-1]}),
            invalid,
            "Invalid offset",
        ),
        (
            json!({"method": "cursorAfter", "values": [7]}),
            invalid,
            "Invalid cursor",
        ),
        (
            json!({"method": "or", "values": [{"method": "isNull", "attribute": "name"}]}),
            invalid,
            "at least two",
        ),
        (
            json!({"method": "select", "values": ["name"]}),
            invalid,
            "select",
        ),
        (deep, invalid, "nested at most"),
        (
            json!({"method": "search", "attribute": "name", "values": ["x"]}),
            unindexed,
            "Searching by attribute \"name\" requires a fulltext index.",
        ),
        (
            json!({"method": "search", "attribute": "foo", "values": ["x"]}),
            invalid,
            "foo",
        ),
    ] {
        let error = ask(&FUNCTIONS, std::slice::from_ref(&query)).unwrap_err();
        assert_eq!(error.envelope()["type"], kind, "{query}: {error}");
        assert!(error.message.contains(text), "{query}: {error}");
    }
    let many = vec![json!({"method": "limit", "values": [1]}); MOST + 1];
    assert!(
        ask(&FUNCTIONS, &many)
            .unwrap_err()
            .message
            .contains("no longer than 100 items")
    );
}

#[test]
fn deployments_can_be_selected_from_and_not_searched() {
    let select = json!({"method": "select", "values": ["$id", "status", "buildLogs"]});
    let wanted = ask(&DEPLOYMENTS, &[select]).unwrap();
    assert_eq!(wanted.select.unwrap(), ["$id", "status", "buildLogs"]);
    let searching = super::super::parameters::from_query(Some("search=x"));
    let error = read(&searching, &DEPLOYMENTS, newest()).unwrap_err();
    assert_eq!(error.envelope()["type"], "general_query_invalid");
    assert!(
        read(&searching, &EXECUTIONS, newest()).is_ok(),
        "no such parameter"
    );
    assert_eq!(
        read(&searching, &FUNCTIONS, newest()).unwrap().list.search,
        "x"
    );
}

#[test]
fn build_durations_are_compared_as_whole_seconds() {
    let equal = json!({"method": "equal", "attribute": "buildDuration", "values": [3]});
    let wanted = ask(&DEPLOYMENTS, &[equal]).unwrap();
    let compare = |operator, value| Filter::Compare {
        column: "build_duration_ms",
        operator,
        values: vec![Scalar::Integer(value)],
    };
    assert_eq!(
        wanted.list.filters,
        [Filter::Or(vec![Filter::And(vec![
            compare(Operator::Greater, 2000),
            compare(Operator::LessEqual, 3000),
        ])])]
    );
}

#[test]
fn old_clients_write_queries_as_text() {
    for (text, expected) in [
        (
            "equal(\"name\", [\"x\"])",
            json!({"method": "equal", "attribute": "name", "values": ["x"]}),
        ),
        (
            "equal('name', 'x')",
            json!({"method": "equal", "attribute": "name", "values": ["x"]}),
        ),
        ("limit(10)", json!({"method": "limit", "values": [10]})),
        (
            "orderDesc(\"name\")",
            json!({"method": "orderDesc", "attribute": "name", "values": []}),
        ),
        (
            "between(\"timeout\", 1, 5)",
            json!({"method": "between", "attribute": "timeout", "values": [1, 5]}),
        ),
    ] {
        assert_eq!(legacy::parse(text), Some(expected), "{text}");
    }
    assert_eq!(legacy::parse("limit(10"), None);
}

#[test]
fn what_all_rows_share_needs_no_column() {
    for (query, expected) in [
        (
            json!({"method": "equal", "attribute": "resourceType", "values": ["function"]}),
            true,
        ),
        (
            json!({"method": "equal", "attribute": "resourceType", "values": ["site", "project"]}),
            false,
        ),
        (
            json!({"method": "startsWith", "attribute": "resourceType", "values": ["FUN"]}),
            true,
        ),
        (
            json!({"method": "isNull", "attribute": "resourceType"}),
            false,
        ),
    ] {
        let wanted = ask(&VARIABLES, std::slice::from_ref(&query)).unwrap();
        assert_eq!(wanted.list.filters, [always(expected)], "{query}");
    }
    let order = json!({"method": "orderDesc", "attribute": "resourceType"});
    assert_eq!(ask(&VARIABLES, &[order]).unwrap().list.order, []);
}
