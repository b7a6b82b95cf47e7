#!/bin/bash
# A curl that finds Google's metadata server, which is at the emulator's; every other call goes to the real one.
set -euo pipefail
method=GET body='' url=''
flavor=''
words=("$@")
while [[ $# -gt 0 ]]; do
  case $1 in
    -X | --request) method=$2 && shift ;;
    -d | --data | --data-binary) body=$2 && shift ;;
    -H | --header) [[ ${2,,} != "metadata-flavor: google" ]] || flavor=$2$'\r\n' && shift ;;
    --max-time | --retry | --noproxy | -o | --output) shift ;;
    -*) ;;
    *) url=$1 ;;
  esac
  shift
done

path=${url#http://}
if [[ ${path%%/*} != metadata.google.internal && ${path%%/*} != 169.254.169.254 ]]; then
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin exec curl "${words[@]}"
fi

# Without curl's own start, which would be the longest part of a pretend boot.
read -r host port prefix </home/.machine/metadata-server
exec 3<>"/dev/tcp/$host/$port"
LC_ALL=C
printf '%s %s HTTP/1.0\r\nHost: %s:%s\r\n%sContent-Length: %d\r\n\r\n%s' \
  "$method" "$prefix/${path#*/}" "$host" "$port" "$flavor" "${#body}" "$body" >&3
read -r _ status _ <&3
while read -r line <&3 && [[ $line != $'\r' ]]; do :; done
answer=''
IFS= read -r -d '' answer <&3 || true
if [[ $status -ge 400 ]]; then
  echo "curl: (22) The requested URL returned error: $status $answer" >&2
  exit 22
fi
printf %s "$answer"
