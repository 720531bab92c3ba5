//! What the filters answer, by an interpreter of the few instructions that they are made of.

use super::*;

/// Runs a filter over a call with these arguments.
fn answer(program: &BpfProgram, call: i64, arguments: [u64; 6]) -> u32 {
    let architecture: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    let mut data = Vec::new();
    data.extend(u32::try_from(call).expect("a number").to_ne_bytes());
    data.extend(architecture.to_ne_bytes());
    data.extend(0_u64.to_ne_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
    let (mut at, mut held) = (0, 0_u32);
    loop {
        let sock_filter { code, jt, jf, k } = program[at].clone();
        at += 1;
        let jump = match code {
            0x20 => {
                let from = k as usize;
                held = u32::from_ne_bytes(data[from..from + 4].try_into().expect("four bytes"));
                continue;
            }
            0x54 => {
                held &= k;
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return k,
            0x15 => held == k,
            0x25 => held > k,
            0x35 => held >= k,
            other => panic!("an instruction {other:#x}"),
        };
        at += usize::from(if jump { jt } else { jf });
    }
}

/// The strictest answer of all filters: an error number, or none.
fn ask(network: bool, call: i64, arguments: &[c_int]) -> Option<c_int> {
    let mut all = [0; 6];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = u64::from(argument.cast_unsigned());
    }
    let programs = programs(network).expect("they compile");
    let answers =
        programs.iter().map(|program| answer(program, call, all)).filter(|a| *a != libc::SECCOMP_RET_ALLOW);
    answers.min().map(|answer| {
        assert_eq!(answer & 0xffff_0000, libc::SECCOMP_RET_ERRNO, "{answer:#x}");
        (answer & 0xffff).cast_signed()
    })
}

const REFUSES: Option<c_int> = Some(libc::EPERM);
const KNOWS_NOT: Option<c_int> = Some(libc::ENOSYS);

#[test]
fn what_every_program_does_is_allowed() {
    for network in [false, true] {
        for call in [
            libc::SYS_read,
            libc::SYS_execve,
            libc::SYS_openat,
            libc::SYS_mmap,
            libc::SYS_futex,
            libc::SYS_kill,
        ] {
            assert_eq!(ask(network, call, &[]), None, "{call}");
        }
        assert_eq!(
            ask(network, libc::SYS_clone, &[libc::CLONE_VM | libc::CLONE_THREAD | libc::SIGCHLD]),
            None
        );
        assert_eq!(ask(network, libc::SYS_prlimit64, &[0]), None);
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        assert_eq!(ask(network, libc::SYS_socketpair, &[libc::AF_UNIX, kind]), None);
        assert_eq!(ask(network, libc::SYS_sendto, &[3]), None);
    }
}

#[test]
fn what_is_listed_is_refused_with_and_without_the_network() {
    for network in [false, true] {
        for call in REFUSED {
            assert_eq!(ask(network, *call, &[]), REFUSES, "{call}");
        }
        for call in UNKNOWN {
            assert_eq!(ask(network, *call, &[]), KNOWS_NOT, "{call}");
        }
        for flag in NAMESPACES {
            assert_eq!(ask(network, libc::SYS_clone, &[flag | libc::SIGCHLD]), REFUSES, "{flag:#x}");
        }
        assert_eq!(ask(network, libc::SYS_prlimit64, &[4711]), REFUSES);
    }
}

#[test]
fn without_the_network_no_socket_is_made_or_used() {
    for call in NETWORK {
        for family in FAMILIES {
            assert_eq!(ask(false, *call, &[family]), REFUSES, "{call}");
        }
    }
    for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC] {
        assert_eq!(ask(false, libc::SYS_socketpair, &[libc::AF_UNIX, kind]), REFUSES);
    }
    assert_eq!(ask(false, libc::SYS_socketpair, &[libc::AF_INET, libc::SOCK_STREAM]), REFUSES);
    assert_eq!(ask(false, libc::SYS_sendto, &[3, 0, 0, 0, 1]), REFUSES);
}

#[test]
fn with_the_network_four_families_are_allowed() {
    for family in FAMILIES {
        assert_eq!(ask(true, libc::SYS_socket, &[family]), None);
    }
    for family in [libc::AF_PACKET, libc::AF_VSOCK, libc::AF_ALG, libc::AF_BLUETOOTH, libc::AF_KEY] {
        assert_eq!(ask(true, libc::SYS_socket, &[family]), REFUSES);
    }
    assert_eq!(ask(true, libc::SYS_connect, &[3]), None);
}

#[test]
fn calls_that_the_list_cannot_know_are_those_of_an_older_kernel() {
    assert_eq!(ask(true, i64::from(NEWEST), &[]), None);
    assert_eq!(ask(true, i64::from(NEWEST) + 1, &[]), KNOWS_NOT);
    assert_eq!(ask(true, 0x4000_0000 | libc::SYS_getpid, &[]), KNOWS_NOT, "x32");
    assert_eq!(ask(false, 0x4000_0000 | libc::SYS_socket, &[]), KNOWS_NOT, "x32");
}

#[test]
fn calls_of_another_architecture_end_the_process() {
    let [refused, ..] = programs(true).expect("they compile");
    let kills = refused.iter().any(|instruction| instruction.k == libc::SECCOMP_RET_KILL_PROCESS);
    assert!(kills, "it looks at the architecture");
}
