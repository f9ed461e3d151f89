//! Sources that nobody would write: compiling them is answered, quickly, and never with a fault.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use serde_json::json;

use super::api::shared;
use super::sources::{ACTION, FUNCTION, ON_EVENT, SYNC};

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}

const PIECES: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "`",
    "'",
    "${",
    "/*",
    "*/",
    "//",
    "=>",
    "await ",
    "export default ",
    "import x from 'zod';\n",
    "\0",
    "\u{2028}",
    "🚀",
    "é",
    "<T,>",
    "\\u{",
    "0x",
    "@dec ",
    "for await (",
];

/// One to four changes at random places.
fn mutate(source: &str, random: &mut Random) -> String {
    let mut text: Vec<char> = source.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len());
        match random.below(5) {
            0 => drop(text.drain(at..(at + 1 + random.below(40)).min(text.len()))),
            1 => text.truncate(at),
            2 => {
                let end = (at + random.below(60)).min(text.len());
                let copy: Vec<char> = text[at..end].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, copy);
            }
            3 if !text.is_empty() => text[at] = char::from(33 + random.below(94) as u8),
            _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].chars())),
        }
    }
    text.into_iter().collect()
}

#[tokio::test]
async fn mutated_sources_are_answered() {
    let client = shared();
    let seed = 0x5eed_1234_5678_9abc;
    let mut random = Random(seed);
    let sources = [ACTION, SYNC, ON_EVENT, FUNCTION];
    let codes: Vec<String> = (0..60)
        .map(|number| mutate(sources[number % sources.len()], &mut random))
        .filter(|code| !code.is_empty())
        .collect();
    let answers = stream::iter(&codes).map(async |code| {
        let asked = client.post("/functions/compile", json!({"code": code}));
        // Far above what a source of this size takes: only what hangs meets it.
        (
            code,
            tokio::time::timeout(Duration::from_secs(100), asked).await,
        )
    });
    let mut refused = 0;
    for (code, answer) in answers.buffered(4).collect::<Vec<_>>().await {
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {code:?}"));
        match answer.status {
            200 => assert!(
                answer.json()["bundle_size_bytes"]
                    .as_u64()
                    .is_some_and(|size| size < 1 << 20)
            ),
            _ => {
                refused += 1;
                assert_eq!(answer.status, 400, "{code:?}\n{answer:?}");
                let error = answer.denied(400, "compilation_error");
                let message = error["message"].as_str().expect("a text");
                assert!(
                    message.chars().count() <= 20_000 && !message.is_empty(),
                    "{code:?}"
                );
            }
        }
    }
    assert!(refused > 20, "the mutations are too gentle");
}

#[tokio::test]
async fn sources_without_measure_are_answered() {
    let client = shared();
    let deep = |open: &str, close: &str, times: usize| {
        format!(
            "export const x = {}1{};",
            open.repeat(times),
            close.repeat(times)
        )
    };
    let sources = [
        deep("(", ")", 5_000),
        deep("[", "]", 100),
        deep("{a:", "}", 100),
        deep("[", "]", 500),
        deep("{a:", "}", 500),
        deep("-", "", 1).replace('-', &"!".repeat(5_000)),
        format!("export const x = {};", "1 + ".repeat(5_000) + "1"),
        format!(
            "type A = {}string{};",
            "Array<".repeat(2_000),
            ">".repeat(2_000)
        ),
        "x".repeat(1 << 20),
        format!("/*{}", "*".repeat(1 << 20)),
        "a;\n".repeat(20_000),
        "\u{feff}export default 1;".to_owned(),
        "#!/usr/bin/env node\nexport default 1;".to_owned(),
        "<div/>".to_owned(),
        "\0".to_owned(),
    ];
    for code in sources {
        let answer = client
            .post("/functions/compile", json!({"code": code}))
            .await;
        let start: String = code.chars().take(40).collect();
        assert_eq!(answer.status, 400, "{start}: {answer:?}");
        let error = answer.denied(400, "compilation_error");
        let length = error["message"].as_str().expect("a text").chars().count();
        assert!((1..=20_000).contains(&length), "{start}: {length}");
    }
}

#[tokio::test]
async fn what_nests_absurdly_deep_is_told_in_the_words_of_a_failed_check() {
    let code = |depth: usize| {
        let lists = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        super::sources::action(&format!("const deep: unknown = {lists};"), "return deep;")
    };
    let client = shared();
    let compile = async |depth: usize| {
        let body = json!({"code": code(depth)});
        client.post("/functions/compile", body).await
    };
    compile(60).await.good(200);
    let error = compile(500).await.denied(400, "compilation_error");
    let message = error["message"].as_str().expect("a text");
    assert!(
        message.contains("err - function/functions/function.ts:3:")
            && message.contains("The code is nested too deeply")
            && message.ends_with("✗ Typechecking\nFound 1 error"),
        "{message}"
    );
    assert_eq!(error["errors"][0]["line"], 3);
}
