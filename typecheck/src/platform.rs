//! Which npm package has the executable for this machine, and where in it.

use std::{
    env::consts::{ARCH, EXE_SUFFIX, OS},
    path::{Path, PathBuf},
};

/// The platforms that TypeScript 7.0.2 is published for, as Rust and as npm name them.
const PUBLISHED: &[(&str, &str, &str)] = &[
    ("aix", "powerpc64", "@typescript/typescript-aix-ppc64"),
    ("freebsd", "aarch64", "@typescript/typescript-freebsd-arm64"),
    ("freebsd", "x86_64", "@typescript/typescript-freebsd-x64"),
    ("illumos", "x86_64", "@typescript/typescript-sunos-x64"),
    ("linux", "aarch64", "@typescript/typescript-linux-arm64"),
    ("linux", "arm", "@typescript/typescript-linux-arm"),
    (
        "linux",
        "loongarch64",
        "@typescript/typescript-linux-loong64",
    ),
    ("linux", "mips64", "@typescript/typescript-linux-mips64el"),
    ("linux", "powerpc64", "@typescript/typescript-linux-ppc64"),
    ("linux", "riscv64", "@typescript/typescript-linux-riscv64"),
    ("linux", "s390x", "@typescript/typescript-linux-s390x"),
    ("linux", "x86_64", "@typescript/typescript-linux-x64"),
    ("macos", "aarch64", "@typescript/typescript-darwin-arm64"),
    ("macos", "x86_64", "@typescript/typescript-darwin-x64"),
    ("netbsd", "aarch64", "@typescript/typescript-netbsd-arm64"),
    ("netbsd", "x86_64", "@typescript/typescript-netbsd-x64"),
    ("openbsd", "aarch64", "@typescript/typescript-openbsd-arm64"),
    ("openbsd", "x86_64", "@typescript/typescript-openbsd-x64"),
    ("solaris", "x86_64", "@typescript/typescript-sunos-x64"),
    ("windows", "aarch64", "@typescript/typescript-win32-arm64"),
    ("windows", "x86_64", "@typescript/typescript-win32-x64"),
];

/// The npm package that holds the executable for the present system and processor; `None` where
/// there is none.
#[must_use]
pub fn package() -> Option<&'static str> {
    named(OS, ARCH)
}

/// The executable inside `folder`, an unpacked [`package`]. The declarations of the language
/// (`lib.*.d.ts`), which it reads, lie beside it. Whether it exists is not looked at.
#[must_use]
pub fn executable(folder: &Path) -> PathBuf {
    folder.join("lib").join(format!("tsc{EXE_SUFFIX}"))
}

fn named(os: &str, arch: &str) -> Option<&'static str> {
    PUBLISHED
        .iter()
        .find(|(of, on, _)| *of == os && *on == arch)
        .map(|(_, _, package)| *package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_as_npm_names_platforms() {
        assert_eq!(
            named("linux", "x86_64"),
            Some("@typescript/typescript-linux-x64")
        );
        assert_eq!(
            named("macos", "aarch64"),
            Some("@typescript/typescript-darwin-arm64")
        );
        assert_eq!(
            named("windows", "x86_64"),
            Some("@typescript/typescript-win32-x64")
        );
        assert_eq!(named("linux", "sparc64"), None);
    }
}
