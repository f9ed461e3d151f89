//! The limits that Linux enforces. They are set between fork and exec, by the child itself.

use std::{collections::BTreeMap, io, path::Path};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope, path_beneath_rules,
};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use tokio::process::Command;

use super::Limits;

/// Rights of later kernels are left out where the kernel does not know them.
const RIGHTS: ABI = ABI::V6;

/// System calls that the checker has no use for: sockets, also by way of io_uring, and the memory
/// of other processes.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
];

#[expect(
    unsafe_code,
    reason = "there is no safe way to run code between fork and exec"
)]
pub fn apply(limits: &Limits, command: &mut Command) -> io::Result<()> {
    let mut files = Some(files(limits)?);
    let calls = calls()?;
    let memory = limits.memory;
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec of a process with threads nothing may allocate or lock. What
    // runs here are system calls on values that were made before the fork; their errors are
    // numbers.
    unsafe {
        command.pre_exec(move || {
            let calls = calls.as_deref();
            confine(parent, memory, files.take(), calls)
        });
    }
    Ok(())
}

fn confine(
    parent: Pid,
    memory: u64,
    files: Option<RulesetCreated>,
    calls: Option<&[seccompiler::sock_filter]>,
) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have gone before that.
    if rustix::process::getppid() != Some(parent) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Data, memory)?;
    if let Some(files) = files {
        files
            .restrict_self()
            .map_err(|_| io::ErrorKind::PermissionDenied)?;
    }
    if let Some(calls) = calls {
        seccompiler::apply_filter(calls).map_err(|_| io::ErrorKind::PermissionDenied)?;
    }
    Ok(())
}

fn limit(resource: Resource, bound: u64) -> io::Result<()> {
    let bound = Some(bound);
    Ok(rustix::process::setrlimit(
        resource,
        Rlimit {
            current: bound,
            maximum: bound,
        },
    )?)
}

/// Files, TCP, and signals to others. Without effect on kernels without Landlock.
fn files(limits: &Limits) -> io::Result<RulesetCreated> {
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(RIGHTS)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(RIGHTS)))
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.add_rules(path_beneath_rules(&limits.read, reading)))
        .map_err(io::Error::other)?;
    limits.execute.iter().try_fold(ruleset, |ruleset, file| {
        let rule = beneath(file, AccessFs::Execute | AccessFs::ReadFile)?;
        ruleset.add_rule(rule).map_err(io::Error::other)
    })
}

fn beneath(file: &Path, rights: BitFlags<AccessFs>) -> io::Result<PathBeneath<PathFd>> {
    let file = PathFd::new(file).map_err(io::Error::other)?;
    Ok(PathBeneath::new(file, rights))
}

/// `None` on processors that the filter's library does not know.
fn calls() -> io::Result<Option<BpfProgram>> {
    let Ok(target) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(None);
    };
    let rules: BTreeMap<_, _> = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, target)
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)?;
    Ok(Some(filter))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        net::{TcpListener, TcpStream, UdpSocket},
        os::unix::net::UnixDatagram,
        path::PathBuf,
    };

    use super::*;

    const FOLDER: &str = "STRATA_TEST_FOLDER";
    const PORT: &str = "STRATA_TEST_PORT";

    /// Tries what the limits refuse, and prints what came of it.
    #[test]
    #[ignore = "started by the other test, under limits"]
    fn child() {
        let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
        let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
        let outcome = |name: &str, done: bool| println!("{name}={done}");
        let opens = |name: &str| std::fs::read(folder.join(name)).is_ok();
        outcome("read inside", opens("inside/file"));
        outcome("read outside", opens("outside/file"));
        outcome("read through a link", opens("inside/link"));
        outcome(
            "list outside",
            std::fs::read_dir(folder.join("outside")).is_ok(),
        );
        outcome(
            "write",
            std::fs::write(folder.join("inside/new"), "x").is_ok(),
        );
        outcome(
            "start",
            std::process::Command::new("/bin/sh").spawn().is_ok(),
        );
        outcome("tcp", TcpStream::connect(("127.0.0.1", port)).is_ok());
        outcome("udp", UdpSocket::bind("127.0.0.1:0").is_ok());
        outcome("unix", UnixDatagram::unbound().is_ok());
        let reserves = |size| Vec::<u8>::new().try_reserve_exact(size).is_ok();
        outcome("much memory", reserves(1 << 30));
        outcome("some memory", reserves(1 << 20));
        let core = rustix::process::getrlimit(Resource::Core).maximum;
        outcome("core", core != Some(0));
        outcome("environment", std::env::var_os("PATH").is_some());
    }

    /// Whether this kernel can refuse files at all.
    fn has_landlock() -> bool {
        use landlock::{CompatLevel, Compatible};
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V1))
            .and_then(Ruleset::create)
            .is_ok()
    }

    /// What the loader of this very program opens.
    fn loaded() -> Vec<PathBuf> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let files: BTreeSet<PathBuf> = maps
            .lines()
            .filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])))
            .filter(|path| path.is_file())
            .collect();
        files.into_iter().collect()
    }

    async fn outcomes(limits: Option<&Limits>, folder: &Path, port: u16) -> Vec<String> {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "limits::linux::tests::child"]);
        command.args(["--ignored", "--nocapture", "--test-threads=1"]);
        if let Some(limits) = limits {
            limits.apply(&mut command).unwrap();
        }
        command.env(FOLDER, folder).env(PORT, port.to_string());
        let output = command.output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let done = text.lines().filter_map(|line| line.strip_suffix("=true"));
        // The harness prints the name of the test on the line of the first outcome.
        done.map(|name| name.rsplit("... ").next().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn the_child_is_confined() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["inside", "outside"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("file"), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("outside/file"), at("inside/link")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();

        // The same attempts succeed without limits.
        let free = outcomes(None, folder.path(), port).await;
        for name in [
            "read outside",
            "write",
            "start",
            "tcp",
            "udp",
            "unix",
            "much memory",
        ] {
            assert!(free.iter().any(|done| done == name), "{name}: {free:?}");
        }

        let limits = Limits {
            execute: loaded(),
            read: vec![at("inside")],
            memory: 512 << 20,
        };
        let confined = outcomes(Some(&limits), folder.path(), port).await;
        if has_landlock() {
            assert_eq!(confined, ["read inside", "some memory"]);
        } else {
            for name in ["write", "tcp", "udp", "unix", "much memory", "core"] {
                assert!(!confined.iter().any(|done| done == name), "{confined:?}");
            }
        }
    }
}
