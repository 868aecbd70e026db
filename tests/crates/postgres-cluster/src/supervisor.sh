# Runs the server of one cluster on behalf of a process, and as the account that the server runs as. An order is a line on standard
# input, its reply a line on standard output. When the input ends, which is when the process has ended, however it ended, the server is
# stopped and the folder removed.
#
# Arguments: the folder of PostgreSQL's programs, the folder for temporary files, the file of the template.

bin=$1
temporary=$2
template=$3
server=

umask 077
# A process that has ended reads no reply.
trap '' PIPE
folder=$(mktemp -d "$temporary/enact-postgres-XXXXXX") || exit 1
cd "$folder" || exit 1

# Waits until the server has ended, for so many times 20 ms at most. The shell reaps it while it waits for `sleep`.
has_ended() {
    polls=$1
    while kill -0 "$server" 2>/dev/null; do
        [ "$polls" -gt 0 ] || return 1
        polls=$((polls - 1))
        sleep 0.02
    done
}

end() {
    trap '' HUP INT TERM
    if [ -n "$server" ]; then
        kill -s QUIT "$server" 2>/dev/null
        has_ended 500 || { kill -s KILL "$server" && has_ended 500; }
    fi
    # A server that was killed leaves this file, and the segment of shared memory that the file names.
    if [ -f data/postmaster.pid ]; then
        segment=$(sed -n 's/^ *[0-9][0-9]*  *\([0-9][0-9]*\)$/\1/p' data/postmaster.pid)
        [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null
    fi
    # The backends of a killed server may create a file meanwhile.
    polls=500
    cd /
    until rm -rf "$folder" 2>/dev/null || [ "$polls" -eq 0 ]; do
        polls=$((polls - 1))
        sleep 0.02
    done
}
trap end EXIT
trap 'exit 1' HUP INT TERM

# Whether the server accepts connections: the first line of the file is its process, the eighth its state. One that was killed may have
# left a file that says so of itself.
is_ready() {
    {
        read -r process && read -r _ && read -r _ && read -r _ && read -r _ && read -r _ && read -r _ && read -r state
    } 2>/dev/null <data/postmaster.pid && [ "$process $state" = "$server ready" ]
}

# Creates the data of a new cluster: verifier of the password, password.
create() {
    # Others may write to the folder of the template, too: it counts only if it belongs to this account.
    if [ -O "$template" ] && [ ! -h "$template" ] && tar -xf "$template" && [ -s data/global/pg_control ]; then
        return 0
    fi
    rm -rf data
    printf '%s\n' "${1%% *}" >verifier
    printf '%s\n' "${1#* }" >password
    "$bin/initdb" -D data -U postgres -E UTF8 --no-locale --no-sync --pwfile=verifier \
        --auth-local=trust --auth-host=scram-sha-256 >>log || return 1
    # Several processes may do this at once: each renames a whole file of its own.
    { tar -cf template.tar data password && mv -f template.tar "$template"; } || rm -f template.tar
    rm verifier
}

# Creates the data of a standby: name, port of the primary, folder of the primary.
backup() {
    name=${1%% *}
    primary=${1#* }
    "$bin/pg_basebackup" -D data -X stream -c fast -R -C -S "$name" \
        -d "host=${primary#* } port=${primary%% *} user=postgres application_name=$name" >>log &&
        cp "${primary#* }/password" password
}

# Starts the server and waits until it accepts connections: port.
start() {
    "$bin/postgres" -D data -k "$folder" -h 127.0.0.1 -p "$1" </dev/null >>log 2>&1 &
    server=$!
    polls=3000
    until is_ready; do
        if ! kill -0 "$server" 2>/dev/null; then
            server=
            return 1
        elif [ "$polls" -eq 0 ]; then
            echo "the server is not ready after a minute" >&2
            stop KILL
            return 1
        fi
        polls=$((polls - 1))
        sleep 0.02
    done
}

# Sends a signal that ends the server, and waits for the end: the signal.
stop() {
    [ -n "$server" ] || return 0
    kill -s "$1" "$server" 2>/dev/null
    if ! has_ended 3000; then
        echo "the server has not ended a minute after SIG$1" >&2
        return 1
    fi
    server=
}

printf '%s\n' "$folder"
exec 2>>log
while read -r order argument; do
    if "$order" "$argument"; then echo done; else echo failed; fi
done
