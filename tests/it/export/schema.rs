//! The part of JSON Schema that `docs/export.schema.json` uses.

use chrono::DateTime;
use serde_json::Value;

/// What about a value is not as the schema has it. A keyword that is not known here fails the test.
pub fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check(schema, (schema, value), "$", &mut wrong);
    wrong
}

fn check(root: &Value, (schema, value): (&Value, &Value), at: &str, wrong: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().expect("a schema") {
        let is_right = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "additionalProperties" => true,
            "$ref" => {
                let target = root.pointer(wanted.as_str().unwrap().trim_start_matches('#')).expect("what $ref names");
                check(root, (target, value), at, wrong);
                true
            }
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|wanted| is_of(value, wanted)),
                one => is_of(value, one),
            },
            "format" => value.as_str().is_none_or(|text| has_format(text, wanted.as_str().unwrap())),
            "required" => value.as_object().is_none_or(|members| {
                wanted.as_array().unwrap().iter().all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    match wanted.get(name) {
                        Some(schema) => check(root, (schema, member), &format!("{at}.{name}"), wrong),
                        None if schema["additionalProperties"] == false => {
                            wrong.push(format!("{at}.{name} is not in the schema"));
                        }
                        None => {}
                    }
                }
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, (wanted, item), &format!("{at}[{index}]"), wrong);
                }
                true
            }
            other => panic!("a keyword that this test does not know: {other}"),
        };
        if !is_right {
            wrong.push(format!("{at}: {value} is not of {keyword} {wanted}"));
        }
    }
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("a type that this test does not know: {other}"),
    }
}

fn has_format(text: &str, format: &str) -> bool {
    match format {
        "uuid" => text.parse::<vestibule::kernel::EventId>().is_ok(),
        "date-time" => DateTime::parse_from_rfc3339(text).is_ok_and(|_| text.ends_with('Z')),
        "ip" => text.parse::<std::net::IpAddr>().is_ok(),
        other => panic!("a format that this test does not know: {other}"),
    }
}

#[test]
fn a_value_that_is_not_as_its_schema_says_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "type": ["string", "null"], "format": "ip" }, "b": { "items": { "$ref": "#/$defs/n" } } },
        "$defs": { "n": { "enum": [1, 2] } },
    });
    let count = |value: Value| mistakes(&schema, &value).len();
    assert_eq!(count(serde_json::json!({ "a": "::1", "b": [1, 2] })), 0);
    assert_eq!(count(serde_json::json!({ "a": null })), 0);
    assert_eq!(count(serde_json::json!({ "a": "here", "b": [3], "c": 1 })), 3);
    assert_eq!(count(serde_json::json!({})), 1);
    assert_eq!(count(serde_json::json!([])), 1);
}
