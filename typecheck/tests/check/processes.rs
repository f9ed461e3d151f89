//! Processes: how many, for how long, and what happens when one is lost.

use std::{collections::BTreeSet, fs, time::Duration};

use typecheck::{Checker, Error, Options};

use crate::{GOOD, check, errors, packages::Workspace};

/// A source whose types take far longer to work out than any time limit of these tests.
fn slow() -> String {
    let mut source = String::from(
        "type Orders<T, K = T> = [T] extends [never] ? [] : K extends K ? [K, ...Orders<Exclude<T, K>>] : never;\n",
    );
    for number in 0..200 {
        let members: Vec<_> = (0..8)
            .map(|member| format!("'{number}.{member}'"))
            .collect();
        let members = members.join(" | ");
        source.push_str(&format!(
            "export const v{number}: Orders<{members}> = [];\n"
        ));
    }
    source
}

/// The processes below this one that run `executable` on `workspace`.
#[cfg(target_os = "linux")]
fn running(options: &Options) -> BTreeSet<String> {
    let folder = options.workspace.canonicalize().unwrap();
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .map(|entry| entry.path())
        .filter(|path| {
            fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line.contains(folder))
        })
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[cfg(target_os = "linux")]
async fn until_none_runs(options: &Options) {
    while !running(options).is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_run_at_the_same_time_and_keep_apart() {
    let workspace = Workspace::new();
    let options = workspace.options();
    let checker = options.clone().build();
    let checks = (0..12).map(|number| {
        let checker = checker.clone();
        tokio::spawn(async move {
            let wrong = format!("export const a: {number} = 'x';\n");
            let source = if number % 3 == 0 { GOOD } else { &wrong };
            (number, errors(&checker, source).await)
        })
    });
    for check in checks.collect::<Vec<_>>() {
        let (number, found) = check.await.unwrap();
        if number % 3 == 0 {
            assert_eq!(found, [""; 0]);
        } else {
            let error = format!("1:14 2322 Type '\"x\"' is not assignable to type '{number}'.");
            assert_eq!(found, [error]);
        }
    }
    #[cfg(target_os = "linux")]
    assert!((1..=options.processes).contains(&running(&options).len()));
}

#[tokio::test]
async fn a_check_that_takes_too_long_is_ended_with_its_process() {
    let workspace = Workspace::new();
    let mut options = workspace.options();
    options.processes = 1;
    options.timeout = Duration::from_secs(4);
    let checker = options.clone().build();
    let error = check(&checker, &slow()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(after) if after == options.timeout));
    #[cfg(target_os = "linux")]
    until_none_runs(&options).await;
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
}

#[tokio::test]
async fn a_check_that_needs_too_much_memory_fails_alone() {
    let workspace = Workspace::new();
    let mut options = workspace.options();
    options.memory = 320 << 20;
    let checker = options.build();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    let depth = 300_000;
    let source = format!(
        "export const n = {}1{};\n",
        "(".repeat(depth),
        ")".repeat(depth)
    );
    match check(&checker, &source).await {
        Err(Error::Crashed(reason)) => assert!(reason.contains("fatal error"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_was_killed_is_replaced() {
    let workspace = Workspace::new();
    let options = workspace.options();
    let checker = options.clone().build();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    let before = running(&options);
    assert_eq!(before.len(), 1);
    for process in &before {
        let killed = std::process::Command::new("kill")
            .args(["-KILL", process])
            .status();
        assert!(killed.unwrap().success());
    }
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    assert!(running(&options).is_disjoint(&before));
}

/// What the limits refuse is tested where they are made; here, that the checker is under them.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_are_confined() {
    let workspace = Workspace::new();
    let options = workspace.options();
    let checker = options.clone().build();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    for process in running(&options) {
        let read = |name: &str| fs::read_to_string(format!("/proc/{process}/{name}")).unwrap();
        let status = read("status");
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{status}");
        }
        let limits = read("limits");
        let limit = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
            let values = line[name.len()..].split_whitespace();
            values.take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let memory = options.memory.to_string();
        assert_eq!(limit("Max data size"), [memory.clone(), memory]);
        assert_eq!(limit("Max core file size"), ["0", "0"]);
        assert_eq!(limit("Max file size"), ["0", "0"]);
        let environment = read("environ");
        let names = environment
            .split('\0')
            .filter_map(|line| line.split_once('='));
        let names: BTreeSet<_> = names.map(|(name, _)| name).collect();
        assert_eq!(names, ["GOMEMLIMIT", "GOTRACEBACK"].into());
    }
    assert_eq!(running(&options).len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn idle_processes_and_those_of_a_dropped_checker_end() {
    let workspace = Workspace::new();
    let mut options = workspace.options();
    options.idle = Duration::from_millis(50);
    let checker = options.clone().build();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    until_none_runs(&options).await;
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);

    options.idle = Duration::from_secs(3600);
    let checker = options.clone().build();
    assert_eq!(errors(&checker, GOOD).await, [""; 0]);
    assert!(!running(&options).is_empty());
    drop(checker);
    until_none_runs(&options).await;
}

#[tokio::test]
async fn what_cannot_be_started_is_unavailable() {
    let workspace = Workspace::new();
    let mut options = workspace.options();
    options.executable = workspace.path().join("nothing");
    let unavailable = |checker: Checker| async move {
        let error = check(&checker, GOOD).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
    };
    unavailable(options.clone().build()).await;
    // Something that is no program.
    options.executable = workspace.path().join("node_modules/nango/index.d.ts");
    unavailable(options.build()).await;

    let mut options = workspace.options();
    options.workspace = workspace.path().join("node_modules/nango");
    unavailable(options.build()).await;
}
