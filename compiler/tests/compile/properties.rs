//! Whatever comes in, nothing panics.

use compiler::{Source, StackMapper, UnpackLimits};
use proptest::prelude::*;

use crate::{
    harness::{compile, compiler},
    registry::tarball,
};

const CODE: &str = "import { z } from './other';\nimport * as all from './other';\nexport * from './other';\nenum E { A, B = 1 << 2 }\n@all.dec class A<T> extends z.B { constructor(private x?: number) { super(); } static #p = `a${1}b`; }\nexport default async function* (a: string, { b = 1, ...c }: any) { for await (const x of a) yield x?.y ?? /re[/]x/u; await import('./other'); }\nnamespace N { export const q = <T,>(t: T) => t satisfies T; }\nlabel: while (true) { if (a) break label; else continue; }\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unpacking_mutated_archives_does_not_panic(
        flips in proptest::collection::vec((0..2_000_usize, any::<u8>()), 0..6),
        cut in 0..2_000_usize,
        plain in any::<bool>(),
    ) {
        let archive = tarball(&[("a/b.ts", CODE.as_bytes()), ("c.json", b"{}")]);
        // Either the compressed bytes are changed, or those inside of them.
        let mut bytes = if plain {
            let mut inner = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&archive[..]), &mut inner).unwrap();
            inner
        } else {
            archive
        };
        for (at, value) in flips {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 20));
        if plain {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        let _ = Source::from_tar_gz(&bytes, &UnpackLimits::default());
    }

    #[test]
    fn compiling_mutated_code_does_not_panic(
        edits in proptest::collection::vec((0..2_000_usize, 0..8_usize, prop_oneof![
            Just("{"), Just("}"), Just("("), Just("<"), Just("export "), Just("import "), Just("*"), Just("`"), Just("@"),
            Just("é"), Just("\u{2028}"), Just("class "), Just("=>"), Just("await "), Just("enum "), Just("$$"), Just("\0"),
        ]), 1..5),
        name in prop_oneof![Just("main.ts"), Just("main.js"), Just("main.tsx"), Just("main.mjs"), Just("main.cts")],
    ) {
        let mut text = CODE.to_owned();
        for (at, remove, insert) in edits {
            let mut start = at % text.len();
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + remove).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, insert);
        }
        let source = Source::from_files([
            (name, text.clone()),
            ("other.ts", "export const z: any = 1; export const dec: any = 2;".to_owned()),
            ("tsconfig.json", "{\"compilerOptions\": {\"experimentalDecorators\": true, \"emitDecoratorMetadata\": true}}".to_owned()),
        ]);
        let (result, _) = compile(compiler(), &source, name, "");
        if let Err(failure) = &result {
            // A panic inside is caught and becomes this text.
            prop_assert!(!failure.to_string().contains("fault of the platform"), "{text}\n{failure}");
        }
    }

    #[test]
    fn mapping_any_stack_with_any_map_does_not_panic(map in ".{0,200}", stack in ".{0,200}", mappings in "[A-Za-z0-9+/,;]{0,80}") {
        let _ = StackMapper::parse(&map).map(&stack);
        let document = format!("{{\"version\":3,\"sources\":[\"a\"],\"names\":[],\"mappings\":\"{mappings}\"}}");
        let _ = StackMapper::parse(&document).map(&format!("at f (bundle.js:1:1)\n{stack}"));
    }
}
