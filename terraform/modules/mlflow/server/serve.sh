#!/bin/bash
# Runs MLflow, as its environment says: settings as MLflow documents them, and beside these
#   MLFLOW_MEMBER_USERNAME, MLFLOW_MEMBER_PASSWORD   the account that all members share
#   MLFLOW_PUBLIC_HOSTS                              hosts at which browsers and clients reach it, with commas between
#   PGPASSWORD                                       the database's password, read by libpq
# It runs in a folder that it may write to. No secret is in an argument or printed: only the environment holds them.
set -euo pipefail

: "${MLFLOW_ARTIFACTS_DESTINATION:?}" "${MLFLOW_BACKEND_STORE_URI:?}" "${MLFLOW_PUBLIC_HOSTS:?}"
: "${MLFLOW_AUTH_ADMIN_USERNAME:?}" "${MLFLOW_AUTH_ADMIN_PASSWORD:?}" "${MLFLOW_FLASK_SERVER_SECRET_KEY:?}"
: "${MLFLOW_MEMBER_USERNAME:?}" "${MLFLOW_MEMBER_PASSWORD:?}"
export MLFLOW_HOST=${MLFLOW_HOST:-0.0.0.0}
export MLFLOW_PORT=${MLFLOW_PORT:-5000}
export MLFLOW_WORKERS=${MLFLOW_WORKERS:-2}

# Jobs are for judging language models and take several hundred MB of memory.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false

# A worker that is busy loading MLflow on a small machine does not answer within uvicorn's five seconds, and would be killed.
export MLFLOW_UVICORN_OPTS="--timeout-worker-healthcheck 60"

# MLflow answers only where it is asked by a name it knows, and takes changes only from its own pages.
hosts=() origins=()
IFS=, read -ra public_hosts <<<"$MLFLOW_PUBLIC_HOSTS"
for host in "${public_hosts[@]}"; do
  hosts+=("$host:$MLFLOW_PORT")
  origins+=("http://$host:$MLFLOW_PORT")
done
MLFLOW_SERVER_ALLOWED_HOSTS=$(IFS=,; echo "${hosts[*]}")
MLFLOW_SERVER_CORS_ALLOWED_ORIGINS=$(IFS=,; echo "${origins[*]}")
export MLFLOW_SERVER_ALLOWED_HOSTS MLFLOW_SERVER_CORS_ALLOWED_ORIGINS

# The members work together: each may change what another one made, and nobody but the admin manages accounts.
export MLFLOW_AUTH_CONFIG_PATH=$PWD/auth.ini
cat >"$MLFLOW_AUTH_CONFIG_PATH" <<INI
[mlflow]
default_permission = EDIT
database_uri = ${MLFLOW_BACKEND_STORE_URI//%/%%}
INI

# A new database gets its tables here, and one of an earlier version the changes since.
mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"
python "${BASH_SOURCE[0]%/*}/accounts.py"
# The accounts are in the database by now, so that the server needs neither.
unset MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_MEMBER_PASSWORD
exec mlflow server --app-name basic-auth
