//! Texts that databases like to compare in a way of their own.

use aggregates::Dialect;
use aggregates::event::Event;
use aggregates::function::Event as F;
use journal::Journal as _;
use projections::query::{Filter, List, Operator, Order, OrderBy, Scalar};

use crate::history::settings;
use crate::home::{Home, on_both};
use crate::journal::Memory;
use crate::lists::page;
use crate::naive::World;
use crate::property::runtime;

on_both!(texts_are_ordered_by_bytes_and_folded_by_character);

const NAMES: [&str; 16] = [
    "a",
    "B",
    "Z",
    "_",
    "é",
    "É",
    "e\u{301}",
    "ΣΑΣ",
    "σας",
    "İi",
    "i\u{307}I",
    "ǅ",
    "\u{10400}",
    "ß-ẞ",
    "a b",
    "a-b",
];

fn texts_are_ordered_by_bytes_and_folded_by_character(home: &Home) {
    runtime().block_on(async {
        let journal = Memory::new();
        let mut world = World::default();
        // A zero is a character too, and no end.
        let names = NAMES.iter().map(|name| (*name).to_owned());
        let names = names.chain(["a\0b", "a\u{1}", "a\0"].map(str::to_owned));
        let names: Vec<String> = names.collect();
        for (number, name) in names.iter().enumerate() {
            let settings = aggregates::function::Settings {
                name: name.clone(),
                ..settings(1, 1)
            };
            let origin = Dialect::Appwrite;
            let event = Event::Function(F::FunctionCreated { origin, settings });
            let key = format!("alpha:f{number}");
            let position = journal.push("function", &key, 1, &event);
            world.apply(position, 1, &key, &event);
        }
        let reads = home.options(journal.clone()).build().unwrap();
        let every = std::time::Duration::from_secs(20);
        assert!(reads.wait_for(journal.head(), every).await);
        let rows: Vec<_> = world.functions.values().cloned().collect();
        let ordered = |filters| List {
            filters,
            order: vec![Order {
                by: OrderBy::Column("name"),
                descending: false,
            }],
            limit: 100,
            count_up_to: Some(100),
            ..List::default()
        };
        let mut lists = vec![ordered(Vec::new())];
        for name in &names {
            let of_any = [Operator::Equal, Operator::Less, Operator::GreaterEqual];
            let of_text = [
                Operator::StartsWith,
                Operator::EndsWith,
                Operator::NotContains,
            ];
            let simple = !name.contains('\0');
            let operators = of_any
                .into_iter()
                .chain(of_text.into_iter().filter(|_| simple));
            for operator in operators {
                let mut filters = vec![Filter::Compare {
                    column: "name",
                    operator,
                    values: vec![Scalar::Text(name.clone())],
                }];
                if of_text.contains(&operator) {
                    // Not every database looks behind a zero.
                    filters.push(Filter::Compare {
                        column: "name",
                        operator: Operator::NotEqual,
                        values: vec![
                            Scalar::Text("a\0".to_owned()),
                            Scalar::Text("a\0b".to_owned()),
                        ],
                    });
                }
                lists.push(ordered(filters));
            }
        }
        for list in lists {
            let expected = page(&rows, &list).unwrap();
            let found = reads.view(None).functions("alpha", &list).await.unwrap();
            let names = |rows: &[projections::model::Function]| -> Vec<String> {
                let names = rows.iter().map(|row| row.settings.name.clone());
                names.collect()
            };
            assert_eq!(names(&expected.rows), names(&found.rows), "{list:#?}");
            assert_eq!(expected.total, found.total, "{list:#?}");
        }
        reads.close().await;
    });
}
