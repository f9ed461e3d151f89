//! `name[0]`, `name[]` and `name[key]` of query strings and forms as lists and
//! objects.

use serde_json::{Map, Value};

/// Deepest nesting that is followed; deeper names stay as they are.
const DEPTH: usize = 4;

/// Builds the tree that pairs of names and texts describe.
pub fn tree(pairs: impl IntoIterator<Item = (String, String)>) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, text) in pairs {
        match split(&name) {
            Some((first, keys)) => {
                let slot = root.entry(first).or_insert_with(object);
                insert(slot, &keys, text);
            }
            None => {
                root.insert(name, Value::String(text));
            }
        }
    }
    for value in root.values_mut() {
        lists(value);
    }
    root
}

fn object() -> Value {
    Value::Object(Map::new())
}

/// `a[b][c]` as `a` and `[b, c]`; none when there are no brackets.
fn split(name: &str) -> Option<(String, Vec<&str>)> {
    let open = name.find('[').filter(|at| *at > 0)?;
    let (first, mut rest) = name.split_at(open);
    let mut keys = Vec::new();
    while let Some(inner) = rest.strip_prefix('[') {
        let close = inner.find(']')?;
        keys.push(&inner[..close]);
        rest = &inner[close + 1..];
    }
    (rest.is_empty() && keys.len() <= DEPTH).then(|| (first.to_owned(), keys))
}

fn insert(slot: &mut Value, keys: &[&str], text: String) {
    let Some((key, rest)) = keys.split_first() else {
        *slot = Value::String(text);
        return;
    };
    if !slot.is_object() {
        *slot = object();
    }
    let Value::Object(map) = slot else { return };
    let key = match *key {
        "" => map.len().to_string(),
        key => key.to_owned(),
    };
    insert(map.entry(key).or_insert_with(object), rest, text);
}

/// Objects whose keys are all numbers become lists in the order of the numbers.
fn lists(value: &mut Value) {
    let Value::Object(map) = value else { return };
    for inner in map.values_mut() {
        lists(inner);
    }
    let numbers: Option<Vec<u32>> = map.keys().map(|key| key.parse().ok()).collect();
    if let Some(numbers) = numbers
        && !numbers.is_empty()
    {
        let inner = std::mem::take(map).into_iter().map(|(_, value)| value);
        let mut items: Vec<(u32, Value)> = numbers.into_iter().zip(inner).collect();
        items.sort_by_key(|(number, _)| *number);
        *value = items.into_iter().map(|(_, item)| item).collect();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_make_lists_and_objects() {
        for (query, expected) in [
            ("a=1&a=2", json!({"a": "2"})),
            ("q[10]=k&q[2]=c&q[0]=a", json!({"q": ["a", "c", "k"]})),
            ("q[]=a&q[]=b", json!({"q": ["a", "b"]})),
            (
                "h[content-type]=x&h[a]=",
                json!({"h": {"content-type": "x", "a": ""}}),
            ),
            ("a[b][0]=1", json!({"a": {"b": ["1"]}})),
            (
                "[x]=1&a[b=2&a]=3&a[b]c=4",
                json!({"[x]": "1", "a[b": "2", "a]": "3", "a[b]c": "4"}),
            ),
            ("a=1&a[0]=2", json!({"a": ["2"]})),
            ("a[0][0][0][0][0][0]=1", json!({"a[0][0][0][0][0][0]": "1"})),
        ] {
            let pairs = query.split('&').map(|pair| {
                let (name, text) = pair.split_once('=').unwrap();
                (name.to_owned(), text.to_owned())
            });
            assert_eq!(Value::Object(tree(pairs)), expected, "{query}");
        }
    }
}
