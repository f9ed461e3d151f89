//! Death without a warning, in processes of their own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use records::{Entry, Options, Records};
use serde_json::json;

use crate::bed::{Bed, Hand, content, entries, limit, save, scope, walk};

fn child(test: &str, bed: &Bed) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    match bed {
        Bed::File(_) => command.env("CRASH_FILE", bed.path()),
        Bed::Server(url) => command.env("CRASH_URL", url),
    };
    command
}

/// The store that the parent told of.
async fn told() -> Option<Records> {
    let options = match (std::env::var_os("CRASH_FILE"), std::env::var("CRASH_URL")) {
        (Some(file), _) => Options::sqlite(file),
        (None, Ok(url)) => Options::postgres(url),
        (None, Err(_)) => return None,
    };
    Some(options.build().await.expect("open"))
}

/// A page of a hundred records that say which page they are of.
fn page(number: i64) -> Vec<Entry> {
    let entry = |n: i64| Entry::new(format!("{number}-{n}"), &json!({ "page": number }));
    (0..100).map(entry).collect()
}

/// Killed while it saves; every page that it acknowledged is there as a whole,
/// and of the one under way all or nothing.
async fn killed(bed: Bed) {
    for acknowledged in [1, 7, 20] {
        let scope = scope(&acknowledged.to_string());
        let mut child: Child = child("crash::saves_until_it_is_killed", &bed)
            .env("CRASH_MODEL", &scope.model)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("run");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut pages: Vec<i64> = Vec::new();
        for line in said {
            let line = line.expect("text");
            if let Some(number) = line.strip_prefix("saved ") {
                pages.push(number.parse().expect("a number"));
            }
            if pages.len() == acknowledged {
                child.kill().expect("killed");
                break;
            }
        }
        child.wait().expect("gone");
        assert_eq!(pages.len(), acknowledged, "it was killed too late");

        let records = bed.open(&Hand::at(1)).await;
        let found = walk(&records, &scope, limit(1000)).await;
        assert_eq!(
            records.count(&scope, None).await.unwrap(),
            found.len() as u64
        );
        assert_eq!(found.len() % 100, 0, "pages are whole");
        assert!(found.len() >= acknowledged * 100);
        for number in pages {
            let own = found
                .iter()
                .filter(|it| content(it).unwrap()["page"] == number);
            assert_eq!(own.count(), 100, "page {number}");
        }
        records.close().await;
    }
}

#[tokio::test]
async fn killed_on_a_file() {
    killed(Bed::sqlite()).await;
}

#[tokio::test]
async fn killed_on_a_server() {
    killed(Bed::postgres()).await;
}

#[tokio::test]
#[ignore = "the part of the tests above that is killed"]
async fn saves_until_it_is_killed() {
    let Some(records) = told().await else {
        return;
    };
    let scope = scope(&std::env::var("CRASH_MODEL").expect("told"));
    for number in 0.. {
        save(&records, &scope, "j", page(number)).await;
        println!("saved {number}");
    }
}

/// Dies right before and right after a commit.
async fn around_the_commit(bed: Bed) {
    for (place, survives) in [("records.before_commit", 1), ("records.after_commit", 2)] {
        let scope = scope(place);
        let died = child("crash::dies_at_its_second_page", &bed)
            .env("STRATA_FAILPOINT", format!("{place}@2"))
            .env("CRASH_MODEL", place)
            .output()
            .expect("run");
        assert!(!died.status.success(), "it should have died");
        let said = String::from_utf8_lossy(&died.stderr);
        assert!(said.contains(place), "{said}");
        let records = bed.open(&Hand::at(1)).await;
        let found = walk(&records, &scope, limit(10)).await;
        assert_eq!(found.len(), survives, "{place}");
        let counts = save(&records, &scope, "j", entries(&[("r2", 2)])).await;
        assert_eq!(counts.unchanged, survives as u64 - 1);
        records.close().await;
    }
}

#[tokio::test]
async fn around_the_commit_on_a_file() {
    around_the_commit(Bed::sqlite()).await;
}

#[tokio::test]
async fn around_the_commit_on_a_server() {
    around_the_commit(Bed::postgres()).await;
}

#[tokio::test]
#[ignore = "the part of the tests above that dies"]
async fn dies_at_its_second_page() {
    let Some(records) = told().await else {
        return;
    };
    let scope = scope(&std::env::var("CRASH_MODEL").expect("told"));
    for n in 1..=2 {
        save(&records, &scope, "j", entries(&[(&format!("r{n}"), n)])).await;
    }
    unreachable!("the second page dies");
}

/// What was dropped is out of reach at once, and its rows go when the store is
/// opened again.
#[tokio::test]
async fn a_drop_that_was_cut_off_is_taken_up() {
    let bed = Bed::sqlite();
    let died = child("crash::dies_while_it_drops", &bed)
        .env("STRATA_FAILPOINT", "records.after_commit@4")
        .output()
        .expect("run");
    assert!(!died.status.success(), "it should have died");
    let rows = || -> i64 {
        let file = rusqlite::Connection::open(bed.path()).expect("open");
        let count = "SELECT (SELECT count(*) FROM changes) + (SELECT count(*) FROM sweeps)";
        file.query_row(count, [], |row| row.get(0)).expect("count")
    };
    assert!(rows() > 100, "there is something left");
    let records = bed.open(&Hand::at(1)).await;
    assert_eq!(records.count(&scope("M"), Some(i64::MAX)).await.unwrap(), 0);
    records.close().await;
    // What was begun at the opening may have been cut off by the closing.
    let records = bed.open(&Hand::at(1)).await;
    records.drop_project("p").await.unwrap();
    records.close().await;
    assert_eq!(rows(), 0);
}

#[tokio::test]
#[ignore = "the part of the test above that dies"]
async fn dies_while_it_drops() {
    let Some(records) = told().await else {
        return;
    };
    save(&records, &scope("M"), "j", page(0)).await;
    save(&records, &scope("M"), "j", page(1)).await;
    records.drop_project("p").await.expect("dropped");
    unreachable!("it dies before it has removed everything");
}
