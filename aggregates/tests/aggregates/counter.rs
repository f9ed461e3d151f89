use aggregates::counter::{Command, Counter, Error, Event};

use crate::{case, check};

#[test]
fn decisions() {
    let add = |by| Command::Increment {
        keyset: 1001,
        key: "visits".into(),
        by,
    };
    let changed = |by, value| Event::CounterChanged {
        keyset: 1001,
        key: "visits".into(),
        by,
        value,
    };
    check::<Counter>(vec![
        case("it begins at 0", &[], add(3), Ok(vec![changed(3, 3)])),
        case(
            "it goes on",
            &[changed(3, 3)],
            add(2),
            Ok(vec![changed(2, 5)]),
        ),
        case(
            "down as well",
            &[changed(3, 3)],
            add(-4),
            Ok(vec![changed(-4, -1)]),
        ),
        case(
            "by nothing: it is there then",
            &[],
            add(0),
            Ok(vec![changed(0, 0)]),
        ),
        case(
            "up to the largest",
            &[changed(1, 1)],
            add(i64::MAX - 1),
            Ok(vec![changed(i64::MAX - 1, i64::MAX)]),
        ),
        case(
            "and no further",
            &[changed(i64::MAX, i64::MAX)],
            add(1),
            Err(Error::Overflow),
        ),
        case(
            "down to the smallest",
            &[changed(i64::MIN, i64::MIN)],
            add(-1),
            Err(Error::Overflow),
        ),
    ]);
}
