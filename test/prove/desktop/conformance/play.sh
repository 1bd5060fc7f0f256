# Writes the file $1 to this terminal, and makes $2 when the terminal has worked it off, which its answer to DSR 5 tells.
stty raw -echo
cat "$1"
printf '\033[5n'
until [[ $answer == *$'\033[0' ]]; do IFS= read -rs -d n answer; done
: > "$2"
read -r _
