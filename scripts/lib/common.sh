# Sourced by every script: where the project is, and how it is compiled.
set -euo pipefail
shopt -s inherit_errexit

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# Paths relative to the clone, so that a second clone finds what the first one compiled.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

# Debian's own interpreter: python3-yaml and python3-jsonschema are installed for it.
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "$(basename "$0"): $*"
  exit 1
}

# The header of a script is its help: the comment lines after the first line.
show_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }
