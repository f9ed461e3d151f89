//! Both tiers give the same answers, and a snapshot holds no secrets and
//! nothing that must be new in each execution.

use std::sync::Arc;

use sandbox::{Env, Invocation, Options, Program, Specialised, Tier};

use crate::harness::{env, execute, failure, get, module, run, sandbox, text};

fn specialise(program: &Program, env: &Arc<Env>) -> Specialised {
    let (sandbox, program, env) = (sandbox(), program.clone(), env.clone());
    run(async move { sandbox.specialise(&program, &env).await.unwrap() })
}

fn with_env(env: &Arc<Env>) -> Invocation {
    let mut invocation = get("/");
    invocation.env = env.clone();
    invocation
}

#[test]
fn a_snapshot_keeps_the_top_level_and_renews_the_rest() {
    let code = "
const atTop = process.env.MODE;
const made = Date.now();
let count = 0;
module.exports = async ({ res, log }) => {
  count += 1;
  log('at', atTop);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return res.json({ atTop, mode: process.env.MODE, secret: process.env.TOKEN, count, random: Math.random(),
    uuid: crypto.randomUUID(), bytes: crypto.getRandomValues(new Uint8Array(4)).length, age: Date.now() - made });
};";
    let program = module(code);
    let first = env(&[("MODE", "a")], &[("TOKEN", "s3cret-1")]);
    let before = execute(&program, with_env(&first));
    assert_eq!(before.tier, Tier::Shared);
    assert_eq!(specialise(&program, &first), Specialised::Done);

    let mut seen = Vec::new();
    for _ in 0..2 {
        let outcome = execute(&program, with_env(&first));
        assert_eq!(outcome.tier, Tier::Own);
        assert_eq!(outcome.logs, "at a\n");
        seen.push(serde_json::from_str::<serde_json::Value>(&text(&outcome)).unwrap());
    }
    for value in &seen {
        assert_eq!(value["count"], 1, "a fresh instance each time");
        assert_eq!(value["mode"], "a");
        assert_eq!(value["secret"], "s3cret-1");
        assert!(
            value["age"].as_i64().unwrap() > 0,
            "the clock runs on after the snapshot"
        );
    }
    assert_ne!(seen[0]["random"], seen[1]["random"]);
    assert_ne!(seen[0]["uuid"], seen[1]["uuid"]);

    // Another value of a secret: same snapshot, new value.
    let rotated = env(&[("MODE", "a")], &[("TOKEN", "s3cret-2")]);
    let outcome = execute(&program, with_env(&rotated));
    assert_eq!(outcome.tier, Tier::Own);
    assert!(text(&outcome).contains("s3cret-2"));

    // Another plain variable: tier 0 until there is a snapshot for it.
    let changed = env(&[("MODE", "b")], &[("TOKEN", "s3cret-1")]);
    let outcome = execute(&program, with_env(&changed));
    assert_eq!(outcome.tier, Tier::Shared);
    assert!(text(&outcome).contains("\"atTop\":\"b\""));
}

#[test]
fn what_a_snapshot_must_not_hold_is_refused() {
    let refused = [
        ("crypto.randomUUID();", "random"),
        ("Math.random();", "random"),
        ("setTimeout(() => {}, 1);", "timer"),
        ("fetch('http://localhost/').catch(() => {});", "fetch"),
        ("process.env.TOKEN;", "TOKEN"),
        ("({ ...process.env });", "TOKEN"),
        ("throw new Error('not today');", "not today"),
    ];
    let env = env(&[("MODE", "a")], &[("TOKEN", "secret")]);
    for (top, word) in refused {
        let code = format!("{top} module.exports = ({{ res }}) => res.text('ran');");
        let program = module(&code);
        for _ in 0..2 {
            match specialise(&program, &env) {
                Specialised::Refused { reason } => {
                    assert!(reason.contains(word), "{top} gave {reason}");
                    assert!(!reason.contains("secret"[..].to_uppercase().as_str()));
                }
                Specialised::Done => panic!("{top} was snapshotted"),
            }
        }
        let outcome = execute(&program, with_env(&env));
        assert_eq!(outcome.tier, Tier::Shared, "{top}");
        if word == "not today" {
            failure(&outcome);
        } else {
            assert_eq!(text(&outcome), "ran", "{top}");
        }
    }
}

#[test]
fn a_top_level_that_works_for_long_comes_to_rest_before_its_snapshot() {
    let code = "
let turns = 0;
const spin = (ms) => { const end = Date.now() + ms; while (Date.now() < end) turns += 1; };
spin(300);
Promise.resolve().then(() => spin(300)).then(() => spin(300)).then(() => { turns = 'rested'; });
module.exports = async ({ res }) => res.text(turns);";
    let program = module(code);
    let env = env(&[], &[]);
    assert_eq!(specialise(&program, &env), Specialised::Done);
    let outcome = execute(&program, with_env(&env));
    assert_eq!((outcome.tier, &*text(&outcome)), (Tier::Own, "rested"));
}

#[test]
fn a_changed_artefact_is_not_loaded() {
    let cache = tempfile::tempdir().unwrap();
    let program = module("module.exports = ({ res }) => res.text('genuine');");
    let none = Arc::new(Env::default());
    let options = Options::new(cache.path(), [9; 32]);
    {
        let (options, program, none) = (options.clone(), program.clone(), none.clone());
        run(async move {
            let sandbox = options.build().await.unwrap();
            sandbox.specialise(&program, &none).await.unwrap();
            let outcome = sandbox.execute(&program, get("/")).await;
            assert_eq!(outcome.tier, Tier::Own);
        });
    }
    let mut changed = 0;
    for entry in std::fs::read_dir(cache.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read(&path).unwrap();
        let at = content.len() / 2;
        content[at] ^= 0x40;
        std::fs::write(&path, content).unwrap();
        changed += 1;
    }
    assert!(changed >= 4, "image, engine, functions, own");
    run(async move {
        let sandbox = options.build().await.unwrap();
        let outcome = sandbox.execute(&program, get("/")).await;
        assert_eq!(outcome.tier, Tier::Shared, "the artefact was thrown away");
        assert_eq!(text(&outcome), "genuine");
        let made = sandbox.specialise(&program, &none).await.unwrap();
        assert_eq!(made, Specialised::Done);
        let outcome = sandbox.execute(&program, get("/")).await;
        assert_eq!(outcome.tier, Tier::Own);
        assert_eq!(text(&outcome), "genuine");
    });
}

#[test]
fn a_program_runs_on_an_image_and_finds_what_was_left_there() {
    let image = run(async {
        let preload = module("globalThis.left = { at: 'the image' }; module.exports = {};");
        sandbox().image(&preload).await.unwrap()
    });
    let program = module(
        "module.exports = ({ res }) => res.text((left.n = (left.n ?? 0) + 1) + ' ' + left.at);",
    );
    for _ in 0..2 {
        let mut invocation = get("/");
        invocation.image = Some(image.clone());
        assert_eq!(text(&execute(&program, invocation)), "1 the image");
    }
}

#[test]
fn a_program_on_an_image_gets_a_snapshot_of_both() {
    let program = module(
        "globalThis.loads = (globalThis.loads ?? 0) + 1; const at = typeof left; module.exports = ({ res }) => res.text([at, loads, (globalThis.n = (globalThis.n ?? 0) + 1)].join(' '));",
    );
    let image =
        |text: &'static str| run(async move { sandbox().image(&module(text)).await.unwrap() });
    let one = image("globalThis.left = 1; module.exports = {};");
    let other = image("globalThis.left = 'other'; module.exports = {};");
    let made = {
        let (program, one) = (program.clone(), one.clone());
        run(async move {
            let none = Arc::new(Env::default());
            sandbox().specialise_on(Some(&one), &program, &none).await
        })
    };
    assert_eq!(made.unwrap(), Specialised::Done);
    // It is that of this image, and of no other.
    for (image, tier, expected) in [
        (Some(one.clone()), Tier::Own, "number 1 1"),
        (Some(one), Tier::Own, "number 1 1"),
        (Some(other), Tier::Shared, "string 1 1"),
        (None, Tier::Shared, "undefined 1 1"),
    ] {
        let mut invocation = get("/");
        invocation.image = image;
        let outcome = execute(&program, invocation);
        assert_eq!((outcome.tier, &*text(&outcome)), (tier, expected));
    }
}
