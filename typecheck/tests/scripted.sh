#!/bin/sh
# Stands in for the checker in the unit tests: the n-th process does what the file `start-n` of the
# workspace says.
workspace=${6%/project}

answer() {
    printf 'Content-Length: %s\r\n\r\n%s' "${#1}" "$1"
}

number=1
while [ -e "$workspace/started-$number" ]; do
    number=$((number + 1))
done
: >"$workspace/started-$number"
. "$workspace/start-$number"
