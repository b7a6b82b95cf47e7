#!/bin/sh
# A pretend sudo: on a pretend machine everybody is its only user, who may do all there is to do.
while [ $# -gt 0 ]; do
  case $1 in
    -u | -g) shift 2 ;;
    -i | -s) shift && set -- "${SHELL:-/bin/sh}" "$@" && break ;;
    --) shift && break ;;
    -*) shift ;;
    *=*) export "${1?}" && shift ;;
    *) break ;;
  esac
done
exec "$@"
