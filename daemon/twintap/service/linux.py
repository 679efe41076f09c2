"""Linux: a systemd unit of the user, and an entry in the menu."""

from .plan import MARK, File, Plan, Step, Wanted
from .quoting import desktop_command, desktop_value, systemd_command

UNIT = "twintap.service"

# stdout goes nowhere: `serve` prints a link there by which whoever reads it becomes this computer's owner.
_UNIT = """\
# {mark}; twintap remove-service takes it away again
[Unit]
Description=twintap: two wireless pulsers that tap left and right in step

[Service]
Type=exec
ExecStart={command}
Restart=on-failure
RestartSec=5
TimeoutStopSec=15
StandardOutput=null
StandardError=journal
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""

_ENTRY = """\
# {mark}; twintap remove-service takes it away again
[Desktop Entry]
Type=Application
Version=1.5
Name=Twintap
Comment=Open the screen of the two pulsers
Exec={command}
Icon={icon}
Terminal=false
Categories=Utility;
"""


def plan(wanted: Wanted, svg: bytes) -> Plan:
    """Give the plan. `svg`: the icon."""
    unit = str(wanted.path(wanted.config_home, "systemd", "user", UNIT))
    entry = str(wanted.path(wanted.data_home, "applications", "twintap.desktop"))
    icon = str(wanted.path(wanted.data_home, "icons", "hicolor", "scalable", "apps", "twintap.svg"))
    return Plan(
        "linux",
        files=(
            File(unit, _UNIT.format(mark=MARK, command=systemd_command(wanted.serve)).encode(), 0o644),
            File(
                entry,
                _ENTRY.format(
                    mark=MARK, command=desktop_command(wanted.open), icon=desktop_value(icon)
                ).encode(),
                0o644,
            ),
            File(icon, svg, 0o644),
        ),
        # What `enable` makes: taken away by `disable`, unless systemd is not there to be asked any more.
        made=(str(wanted.path(wanted.config_home, "systemd", "user", "default.target.wants", UNIT)),),
        check=_systemctl("show-environment"),
        no_check=(
            "this system runs no services of users (systemctl --user does not answer): log in as the user "
            "whose service it is to be, without sudo or su; or start `twintap serve` in your desktop's own "
            "list of programs to be started"
        ),
        register=(_systemctl("daemon-reload"), _systemctl("enable", UNIT)),
        start=(_systemctl("start", UNIT),),
        restart=(_systemctl("restart", UNIT),),
        end=(_systemctl("disable", "--now", UNIT, may_fail=True),),
        forget=(
            _systemctl("daemon-reload", may_fail=True),
            _systemctl("reset-failed", UNIT, may_fail=True),
        ),
        hints=(
            "It starts when you log in, and ends when you log out. To have it start with the machine, before "
            "anybody logs in: loginctl enable-linger",
        ),
        log=f"journalctl --user -u {UNIT} -n 20",
    )


def _systemctl(*arguments: str, may_fail: bool = False) -> Step:
    return Step(("systemctl", "--user", *arguments), may_fail)
