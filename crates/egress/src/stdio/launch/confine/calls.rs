//! System calls that a child has no use for, or may not have, refused by a filter (seccomp).
//!
//! A list of what is refused, not of what is allowed: which calls a runtime needs changes with its version. What the
//! list cannot know of, calls newer than it, are refused as if the kernel were older, and so are two kinds whose
//! arguments a filter cannot see: `io_uring`, which would go around it, and `clone3`, for which libraries have another
//! way. Calls of another architecture end the process.

use std::collections::BTreeMap;

use libc::{c_int, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The highest number that has been looked at: Linux 6.17.
const NEWEST: u32 = 469;

/// Refused whatever their arguments.
const REFUSED: &[c_long] = &[
    // leaving the process group, in which a child is ended
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // looking into other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // another view of the system
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    // parts of the kernel with a history
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_vhangup,
    // what only administrators of the machine do
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Answered as an older kernel would.
const UNKNOWN: &[c_long] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Refused as well without the network. Pairs of connected sockets, which a program has with its own children, are
/// made by another call.
const NETWORK: &[c_long] = &[
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

/// What a socket may be for, with the network.
const FAMILIES: [c_int; 4] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK];

/// The part of a socket's type that is not a flag.
const SOCKET_TYPE: c_int = 0xf;

/// Other views of the system, as `clone` makes them.
const NAMESPACES: [c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Restricts this process.
pub(super) fn restrict(network: bool) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("system calls cannot be filtered: {error}");
    for program in programs(network).map_err(|error| failed(&error))? {
        seccompiler::apply_filter(&program).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Of several filters the strictest answer counts.
fn programs(network: bool) -> Result<[BpfProgram; 3], BackendError> {
    let unknown = UNKNOWN.iter().map(|call| (*call, Vec::new())).collect();
    Ok([compile(refused(network)?, libc::EPERM)?, compile(unknown, libc::ENOSYS)?, newer()])
}

fn compile(rules: Rules, error: c_int) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(error.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()
}

/// Refuses every number above the newest, and with them the second set of numbers that x86-64 has (x32).
fn newer() -> BpfProgram {
    // Load a word of the data, jump if greater, return: `linux/bpf_common.h`.
    const LOAD: u16 = 0x20;
    const GREATER: u16 = 0x25;
    const RETURN: u16 = 0x06;
    let instruction = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    vec![
        // The number of the call is what a filter's data begins with.
        instruction(LOAD, 0, 0),
        instruction(GREATER, 1, NEWEST),
        instruction(RETURN, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
        instruction(RETURN, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

fn refused(network: bool) -> Result<Rules, BackendError> {
    let always = REFUSED.iter().chain(if network { &[] } else { NETWORK });
    let mut rules: Rules = always.map(|call| (*call, Vec::new())).collect();
    let namespaces = NAMESPACES.map(|flag| rule([masked(0, flag, flag)]));
    rules.insert(libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?);
    // The limits of other processes.
    rules.insert(libc::SYS_prlimit64, vec![rule([differs(0, 0)])?]);
    if network {
        rules.insert(libc::SYS_socket, vec![rule(FAMILIES.map(|family| differs(0, family)))?]);
    } else {
        let pairs = [
            rule([differs(0, libc::AF_UNIX)])?,
            // Datagrams find their way by address, also from one of a pair; raw ones are datagrams here.
            rule([masked(1, SOCKET_TYPE, libc::SOCK_DGRAM)])?,
            rule([masked(1, SOCKET_TYPE, libc::SOCK_RAW)])?,
        ];
        rules.insert(libc::SYS_socketpair, pairs.into());
        let address = SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0);
        rules.insert(libc::SYS_sendto, vec![rule([address])?]);
    }
    Ok(rules)
}

/// All of the conditions together.
fn rule<const N: usize>(
    conditions: [Result<SeccompCondition, BackendError>; N],
) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into_iter().collect::<Result<_, _>>()?)
}

fn differs(argument: u8, value: c_int) -> Result<SeccompCondition, BackendError> {
    let value = u64::from(value.cast_unsigned());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value)
}

fn masked(argument: u8, mask: c_int, value: c_int) -> Result<SeccompCondition, BackendError> {
    let [mask, value] = [mask, value].map(|bits| u64::from(bits.cast_unsigned()));
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

#[cfg(test)]
mod tests;
