"""Who may use which route: one row for each. A route without a row fails the tests; so does a row without a route."""

from enum import StrEnum


class Access(StrEnum):
    """Whom a route lets in."""

    PUBLIC = "Anybody."
    GREETED = "Anybody, but a token that is not valid is told so."
    MEMBER = "Whoever is signed in, by browser or token; what changes something, by a token of more than `read`."
    BROWSER = "Whoever is signed in by browser: a token does not do."
    OWN = "The owner of the thing in the path, and admins."
    OWN_ALONE = "The owner alone."
    BROWSER_ALONE = "The owner alone, by browser."
    FRESH_ALONE = "The owner alone, by token or a fresh sign-in."
    FRESH_BROWSER_ALONE = "The owner alone, by a fresh sign-in."
    FRESH_BROWSER = "Whoever is signed in by browser, freshly."
    MACHINE = "A workstation's machine, by its identity token from Google; nobody else."
    SET_UP = "A computer with the token of a setup command; nobody else."
    FRESH_ADMIN = "Admins, by a fresh sign-in."
    ADMIN = "Admins, by browser or by a token of the scope `admin`."
    DECIDED = "Admins; whose it is may see it, but not decide on it; others don't see it."


ROWS = {
    Access.PUBLIC: """
        GET /api/v1/openapi.json
        GET /auth/callback
        GET /auth/start
        GET /healthz
        GET /metrics
        GET /readyz
        POST /sign-out
    """,
    Access.GREETED: """
        GET /sign-in
    """,
    Access.MEMBER: """
        GET /
        GET POST /allowed-ips
        GET /allowed-ips/events
        GET POST /api/v1/allowed-ips
        GET /api/v1/capacity
        GET /api/v1/infrastructure
        GET /api/v1/runs
        GET POST /api/v1/ssh-keys
        POST /api/v1/ssh-keys/generate
        GET /api/v1/team/policy
        GET /api/v1/tokens
        GET POST /api/v1/workstations
        GET /events
        GET /help
        GET /help/disk
        GET /help/gpu
        GET /help/host-key
        GET /help/spot
        GET /help/ssh
        GET /help/vs-code
        GET POST /infrastructure
        GET /infrastructure/events
        GET POST /ssh-keys
        POST /ssh-keys/generate
        POST /ssh-keys/username
        GET /ssh_compute_config
        GET /ssh_known_hosts
        POST /workstations
        GET /workstations/new
    """,
    Access.BROWSER: """
        GET /account
        GET /ssh-setup/update
        GET /ssh-setup/update/archive
        POST /sign-in/security-key
    """,
    Access.OWN: """
        POST /allowed-ips/{allowed_ip_id}/remove
        DELETE /api/v1/allowed-ips/{allowed_ip_id}
        DELETE /api/v1/tokens/{token_id}
        GET /api/v1/runs/{run_id}
        POST /api/v1/runs/{run_id}/approve
        POST /api/v1/runs/{run_id}/cancel
        POST /api/v1/runs/{run_id}/discard
        GET /api/v1/runs/{run_id}/log
        POST /api/v1/runs/{run_id}/retry
        DELETE GET PATCH /api/v1/workstations/{workstation_id}
        GET POST /api/v1/workstations/{workstation_id}/console
        GET /api/v1/workstations/{workstation_id}/history
        POST /api/v1/workstations/{workstation_id}/machine
        DELETE GET PUT /api/v1/workstations/{workstation_id}/end-date
        POST /api/v1/workstations/{workstation_id}/keep
        GET PUT /api/v1/workstations/{workstation_id}/capacity
        GET PUT /api/v1/workstations/{workstation_id}/idle-stop
        DELETE POST /api/v1/workstations/{workstation_id}/idle-stop/keep
        DELETE GET PUT /api/v1/workstations/{workstation_id}/office-hours
        GET POST /api/v1/workstations/{workstation_id}/snapshots
        GET PUT /api/v1/workstations/{workstation_id}/snapshots/daily
        DELETE /api/v1/workstations/{workstation_id}/snapshots/{snapshot_id}
        POST /api/v1/workstations/{workstation_id}/snapshots/{snapshot_id}/open
        POST /api/v1/workstations/{workstation_id}/snapshots/{snapshot_id}/revert
        POST /api/v1/workstations/{workstation_id}/snapshots/close
        DELETE POST /api/v1/workstations/{workstation_id}/office-hours/skip
        GET /api/v1/workstations/{workstation_id}/usage
        POST /api/v1/workstations/{workstation_id}/restart
        POST /api/v1/workstations/{workstation_id}/start
        POST /api/v1/workstations/{workstation_id}/stop
        POST /api/v1/workstations/{workstation_id}/suspend
        POST /api/v1/workstations/{workstation_id}/resume
        GET /runs/{run_id}
        POST /runs/{run_id}/approve
        POST /runs/{run_id}/cancel
        POST /runs/{run_id}/discard
        GET /runs/{run_id}/events
        GET /runs/{run_id}/kill
        GET /runs/{run_id}/log
        GET /runs/{run_id}/log.jsonl
        POST /runs/{run_id}/retry
        GET /workstations/{workstation_id}
        GET POST /workstations/{workstation_id}/change
        POST /workstations/{workstation_id}/check
        GET POST /workstations/{workstation_id}/console
        GET POST /workstations/{workstation_id}/destroy
        GET POST /workstations/{workstation_id}/end-date
        POST /workstations/{workstation_id}/end-date/remove
        GET /workstations/{workstation_id}/events
        GET POST /workstations/{workstation_id}/idle-stop
        POST /workstations/{workstation_id}/idle-stop/keep
        POST /workstations/{workstation_id}/idle-stop/release
        POST /workstations/{workstation_id}/keep
        POST /workstations/{workstation_id}/keep-drift
        GET POST /workstations/{workstation_id}/machine
        GET POST /workstations/{workstation_id}/capacity
        GET POST /workstations/{workstation_id}/office-hours
        POST /workstations/{workstation_id}/office-hours/off
        POST /workstations/{workstation_id}/office-hours/resume
        POST /workstations/{workstation_id}/office-hours/skip
        GET POST /workstations/{workstation_id}/restart
        POST /workstations/{workstation_id}/restore
        POST /workstations/{workstation_id}/snapshots
        POST /workstations/{workstation_id}/snapshots/daily
        GET POST /workstations/{workstation_id}/snapshots/{snapshot_id}/delete
        POST /workstations/{workstation_id}/snapshots/{snapshot_id}/open
        POST /workstations/{workstation_id}/snapshots/{snapshot_id}/revert
        POST /workstations/{workstation_id}/snapshots/close
        POST /workstations/{workstation_id}/start
        GET /workstations/{workstation_id}/states
        GET POST /workstations/{workstation_id}/stop
        GET POST /workstations/{workstation_id}/suspend
        POST /workstations/{workstation_id}/resume
    """,
    Access.OWN_ALONE: """
        DELETE /api/v1/ssh-keys/{key_id}
        POST /ssh-keys/machines/{workstation_id}
        GET POST /ssh-keys/{key_id}/delete
    """,
    Access.BROWSER_ALONE: """
        POST /account/sign-ins/{sign_in_id}/revoke
        POST /account/tokens/{token_id}/revoke
    """,
    Access.FRESH_ALONE: """
        GET /api/v1/ssh-keys/{key_id}/private
    """,
    Access.FRESH_BROWSER_ALONE: """
        GET POST /account/security-keys/{security_key_id}/remove
        GET /ssh-keys/{key_id}/private
    """,
    Access.FRESH_BROWSER: """
        GET /ssh-setup
        GET /ssh-setup/archive
        POST /account/security-keys
        GET /account/security-keys/new
        POST /account/tokens
        POST /infrastructure/passwords/{key}
    """,
    Access.FRESH_ADMIN: """
        POST /admin/members/{member_id}/role
        POST /admin/members/security-keys
        POST /admin/members/{member_id}/security-keys/{security_key_id}/remove
    """,
    Access.SET_UP: """
        GET /ssh-setup.ps1
        GET /ssh-setup.sh
    """,
    Access.MACHINE: """
        POST /api/v1/machine/activity
        POST /api/v1/machine/keep
    """,
    Access.ADMIN: """
        GET POST /admin/allowed-ips
        POST /admin/allowed-ips/apply
        GET /admin/audit
        GET /admin/audit.csv
        GET /admin/audit.jsonl
        GET POST /admin/doctor
        GET /admin/doctor/events
        GET POST /admin/iam
        POST /admin/iam/remove
        GET /admin/members
        GET /admin/workstations
        GET /admin/workstations.csv
        POST /admin/workstations/actions
        GET POST /admin/workstations/actions/all
        GET /admin/workstations/actions/{action_id}
        GET /admin/workstations/actions/{action_id}/events
        GET POST /admin/workstations/orphans
        GET /admin/workstations/orphans/events
        GET POST /admin/workstations/orphans/snapshots/{name}/delete
        POST /admin/members/limits
        GET /admin/members/{member_id}
        POST /admin/members/{member_id}/disable
        POST /admin/members/{member_id}/enable
        POST /admin/members/{member_id}/limits
        GET /admin/members/{member_id}/role
        POST /admin/members/{member_id}/sign-out
        POST /admin/members/{member_id}/ssh-keys/{key_id}/delete
        POST /admin/members/{member_id}/tokens/{token_id}/revoke
        GET POST /admin/policy
        GET POST /admin/shared-stack
        POST /admin/shared-stack/check
        GET POST /admin/shared-stack/destroy
        GET /admin/shared-stack/events
        POST /admin/shared-stack/roll-back
        GET /admin/shared-stack/states
        GET /api/v1/audit
        POST /api/v1/bulk-actions
        GET /api/v1/bulk-actions/{action_id}
        GET POST /api/v1/iam-admins
        DELETE /api/v1/iam-admins/{principal}
        GET /api/v1/members
        PATCH /api/v1/members/{member_id}
        GET /api/v1/members/{member_id}/belongings
        POST /api/v1/members/{member_id}/disable
        POST /api/v1/members/{member_id}/enable
        POST /api/v1/members/{member_id}/sign-out
        DELETE /api/v1/members/{member_id}/ssh-keys/{key_id}
        DELETE GET PATCH /api/v1/shared-stack
        POST /api/v1/shared-stack/check
        GET PATCH /api/v1/team
        PUT /api/v1/team/policy
    """,
    Access.DECIDED: """
        POST /admin/allowed-ips/{allowed_ip_id}/approve
        POST /admin/allowed-ips/{allowed_ip_id}/refuse
        POST /admin/allowed-ips/{allowed_ip_id}/remove
        POST /api/v1/workstations/{workstation_id}/hand-over
        GET POST /workstations/{workstation_id}/hand-over
        POST /api/v1/allowed-ips/{allowed_ip_id}/approve
        POST /api/v1/allowed-ips/{allowed_ip_id}/refuse
    """,
}
