"""Words of shells, and programs that change nothing."""

_BUILT_IN = """
. : [ [[ alias begin bg bind builtin case cd command declare dirs disown echo enable eval exec exit
export false fc fg fish for function functions getopts hash help history if jobs kill let local
logout popd print printf pushd pwd read readonly select set shopt source suspend test time times
trap true type typeset ulimit umask unalias unset until wait whence where which while
"""
_LOOKING = """
basename cat cd cksum cmp comm cut date df diff dirname du echo egrep false fgrep file find fold
grep head id ls md5sum nl od paste printf ps pwd readlink realpath seq sha1sum sha256sum sort stat
strings tail test tr true type uname uptime wc which whoami
"""
_LOOKING_IN_GIT = "blame describe diff grep log ls-files rev-parse shortlog show status"

SHELL_WORDS = frozenset(_BUILT_IN.split())
"""Built into some shell, or the beginning of one of its forms; not looked for on the disk."""
LOOKS = frozenset(_LOOKING.split())
"""Change nothing, unless asked in a way that `shell.risks_of` knows."""
GIT_LOOKS = frozenset(_LOOKING_IN_GIT.split())
"""The same, of git's own commands."""
