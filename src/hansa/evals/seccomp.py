"""A filter of system calls for code that a model wrote: what no solution of a task needs.

A classic BPF program, as bubblewrap's `--seccomp` reads it. Source: linux/filter.h, linux/seccomp.h
and the tables of system calls of x86-64 and arm64 (asm/unistd_64.h, asm-generic/unistd.h).
"""

import errno
import platform
import struct
from dataclasses import dataclass

from hansa.core.errors import ConfigError

_REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "unshare": (272, 97),
    "setns": (308, 268),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "personality": (135, 92),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "socket": (41, 198),
}
"""Name to its number on x86-64 and on arm64. Memory that no limit counts is among them."""

_CLONE = (56, 220)
_CLONE_NAMESPACES = 0x7E02_0000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""

_CLONE3 = 435
"""Its flags lie in memory, where a filter cannot look; the C library does without it."""

_X32 = 0x4000_0000
"""x86-64's second table of calls begins here; nothing built in twenty years needs it."""

_MACHINES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
"""Column of the numbers above, and AUDIT_ARCH_*."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_VERDICTS = {
    "allow": 0x7FFF_0000,
    "refuse": 0x0005_0000 | errno.EPERM,
    "lack": 0x0005_0000 | errno.ENOSYS,
    "kill": 0x8000_0000,
}


@dataclass(frozen=True, slots=True)
class _Step:
    code: int
    value: int
    then: str = ""
    """Where a test that holds leads: a verdict, or `flags`; else it goes on."""


def filter_program(machine: str | None = None) -> bytes:
    """Refuses those calls with EPERM, and kills what runs as another architecture.

    Raises:
        ConfigError: the architecture is neither x86-64 nor arm64.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise ConfigError(
            f"code of models cannot be isolated here: no filter of system calls for {machine}",
            hint="use a machine with x86-64 or arm64; or --unsafe, which runs it as you",
        )
    column, architecture = _MACHINES[machine]
    steps = [
        _Step(_LOAD, _ARCHITECTURE_AT),
        _Step(_EQUAL, architecture, "number"),
        _Step(_RETURN, _VERDICTS["kill"]),
        _Step(_LOAD, _NUMBER_AT),
        _Step(_AT_LEAST, _X32, "refuse"),
        _Step(_EQUAL, _CLONE3, "lack"),
        _Step(_EQUAL, _CLONE[column], "flags"),
        *(_Step(_EQUAL, numbers[column], "refuse") for numbers in _REFUSED.values()),
        _Step(_RETURN, _VERDICTS["allow"]),
        _Step(_LOAD, _FIRST_ARGUMENT_AT),
        _Step(_ANY_BIT, _CLONE_NAMESPACES, "refuse"),
    ]
    # After the last test comes the first verdict, which allows.
    places = {"number": 3, "flags": len(steps) - 2}
    for verdict, value in _VERDICTS.items():
        places[verdict] = len(steps)
        steps.append(_Step(_RETURN, value))
    return b"".join(_packed(step, at, places) for at, step in enumerate(steps))


def _packed(step: _Step, at: int, places: dict[str, int]) -> bytes:
    """One instruction; jumps count from the next one."""
    jump = places[step.then] - at - 1 if step.then else 0
    return struct.pack("<HBBI", step.code, jump, 0, step.value)
