//! Archives from people who may mean harm.

use std::io::Write as _;

use compiler::{Source, UnpackError, UnpackLimits};
use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use crate::registry::tarball;

fn limits() -> UnpackLimits {
    UnpackLimits {
        packed: 1 << 20,
        unpacked: 1 << 20,
        entries: 20,
        file: 256 << 10,
        path: 200,
    }
}

/// An archive with one entry whose header is written as it is, whatever the path.
fn raw(path: &[u8], kind: EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    builder.append(&header, content).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn plain_archives_unpack() {
    let long = format!("{}/file.ts", "folder/".repeat(20).trim_end_matches('/'));
    let mut bytes = tarball(&[
        ("./src/main.ts", b"main"),
        ("README.md", b""),
        (&long, b"long name"),
    ]);
    for padding in [0, 1, 512, 70_000] {
        bytes.extend(std::iter::repeat_n(0, padding));
        let source = Source::from_tar_gz(&bytes, &limits()).unwrap();
        assert_eq!(source.get("src/main.ts").unwrap(), "main");
        assert_eq!(source.get(&long).unwrap(), "long name");
        assert_eq!(source.len(), 3);
    }
    // Two members, as parallel compressors write them.
    let mut encoder = flate2::read::GzDecoder::new(&bytes[..]);
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut plain).unwrap();
    let member = |part: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap()
    };
    let joined = [member(&plain[..700]), member(&plain[700..])].concat();
    assert_eq!(Source::from_tar_gz(&joined, &limits()).unwrap().len(), 3);
}

/// An archive with one file after a header of extended attributes.
fn extended(attributes: &[(&str, &[u8])], content: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    builder
        .append_pax_extensions(attributes.iter().copied())
        .unwrap();
    let mut header = Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "short", content).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn extended_attributes_are_read() {
    let archive = extended(
        &[
            ("path", "größe.ts".as_bytes()),
            ("size", b"3"),
            ("mtime", b"1.5"),
        ],
        b"abc",
    );
    let source = Source::from_tar_gz(&archive, &limits()).unwrap();
    assert_eq!(source.get("größe.ts").unwrap(), "abc");
}

#[test]
fn harmful_archives_are_refused_with_a_reason() {
    let zeros = vec![0; 250 << 10];
    let bomb: Vec<(String, &[u8])> = (0..6)
        .map(|number| (format!("z{number}"), zeros.as_slice()))
        .collect();
    let bomb: Vec<(&str, &[u8])> = bomb
        .iter()
        .map(|(path, content)| (path.as_str(), *content))
        .collect();
    let names: Vec<String> = (0..30).map(|number| format!("f{number}")).collect();
    let many: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"x"[..]))
        .collect();
    let good = tarball(&[("a.ts", &vec![b'x'; 5_000])]);
    let mut corrupt = good.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0x55;
    let long_name = {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(zeros.len() as u64);
        header.set_cksum();
        builder.append(&header, &zeros[..]).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    };
    for (name, archive, part) in [
        ("bomb", tarball(&bomb), "unpacks to more than 1048576 bytes"),
        (
            "large upload",
            vec![0x1f; 2 << 20],
            "at most 1048576 are allowed",
        ),
        (
            "large file",
            tarball(&[("a", &vec![0; 300 << 10])]),
            "`a` is 307200 bytes",
        ),
        ("many", tarball(&many), "more than 20 files"),
        (
            "traversal",
            raw(b"../evil", EntryType::Regular, 1, b"x"),
            "`../evil` is not an allowed path: it leads out",
        ),
        (
            "traversal inside",
            raw(b"a/../../evil", EntryType::Regular, 1, b"x"),
            "leads out",
        ),
        (
            "absolute",
            raw(b"/etc/passwd", EntryType::Regular, 1, b"x"),
            "it is absolute",
        ),
        (
            "drive",
            raw(b"C:\\evil", EntryType::Regular, 1, b"x"),
            "it is absolute",
        ),
        (
            "backslash",
            raw(b"..\\evil", EntryType::Regular, 1, b"x"),
            "it holds a backslash",
        ),
        (
            "not text",
            raw(b"\xff\xfe", EntryType::Regular, 1, b"x"),
            "it is not UTF-8",
        ),
        (
            "symbolic link",
            raw(b"l", EntryType::Symlink, 0, b""),
            "`l` is a symbolic link",
        ),
        ("hard link", raw(b"l", EntryType::Link, 0, b""), "hard link"),
        ("device", raw(b"d", EntryType::Char, 0, b""), "device file"),
        (
            "block device",
            raw(b"d", EntryType::Block, 0, b""),
            "device file",
        ),
        ("pipe", raw(b"p", EntryType::Fifo, 0, b""), "named pipe"),
        (
            "lying size",
            raw(b"a", EntryType::Regular, 100_000, b"short"),
            "damaged",
        ),
        ("huge name", long_name, "an extended header is too large"),
        (
            "twice",
            tarball(&[("a", b"1"), ("./a", b"2")]),
            "`a` is in the archive twice",
        ),
        (
            "file and folder",
            tarball(&[("a", b"1"), ("a/b", b"2")]),
            "`a` is in the archive twice",
        ),
        ("corrupt", corrupt, "damaged"),
        (
            "two sizes",
            extended(&[("size", b"4")], b"abc"),
            "two sizes",
        ),
        (
            "traversal in an attribute",
            extended(&[("path", b"../evil")], b"abc"),
            "leads out",
        ),
        ("cut off", good[..good.len() / 2].to_vec(), "damaged"),
        ("no checksum", good[..good.len() - 4].to_vec(), "damaged"),
        (
            "not an archive",
            b"hello".to_vec(),
            "damaged or not a tar.gz",
        ),
        ("nothing", Vec::new(), "damaged or not a tar.gz"),
        ("no files", tarball(&[]), "the archive is empty"),
    ] {
        let error: UnpackError = match Source::from_tar_gz(&archive, &limits()) {
            Ok(source) => panic!(
                "{name}: {:?}",
                source.files().map(|(path, _)| path).collect::<Vec<_>>()
            ),
            Err(error) => error,
        };
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}
