"""Windows: a task at this user's logon, and an entry in the Start menu."""

from xml.sax.saxutils import escape

from .pictures import ico
from .plan import MARK, File, Plan, Step, Wanted
from .quoting import windows_arguments

# Of Microsoft's Task Scheduler Schema, version 1.2, whose triggers have their elements in this order. The
# daemon is no batch job: it is not ended after three days, on battery, or when the computer is used. A task
# that ended by itself with an error counts there as one that has been done; asked for each minute, it is
# started again, and one that runs is left alone.
_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>twintap's daemon; {mark}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <Repetition>
        <Interval>PT1M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>4</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""

# What goes in is told by the environment: no path is ever taken for a piece of this script.
_SHORTCUT = (
    "$ErrorActionPreference = 'Stop'; "
    "$made = (New-Object -ComObject WScript.Shell).CreateShortcut($env:TWINTAP_LINK); "
    "$made.TargetPath = $env:TWINTAP_PROGRAM; $made.Arguments = $env:TWINTAP_ARGUMENTS; "
    "$made.IconLocation = $env:TWINTAP_ICON; $made.Description = $env:TWINTAP_WORDS; $made.Save()"
)
_NOT_IN_A_NAME = '\\/:*?"<>|'


def task_name(user: str) -> str:
    """Give the task's name: all users' tasks lie in one place."""
    plain = "".join("-" if char in _NOT_IN_A_NAME else char for char in user)
    return f"twintap {plain}"


def plan(wanted: Wanted, png: bytes) -> Plan:
    """Give the plan. `png`: the icon, at most 256 by 256."""
    folder = wanted.path(wanted.config_home, "twintap-service")
    task, icon = str(folder / "task.xml"), str(folder / "twintap.ico")
    menu = wanted.path(wanted.data_home, "Microsoft", "Windows", "Start Menu", "Programs")
    link, name = str(menu / "Twintap.lnk"), task_name(wanted.user)
    run = Step(("schtasks", "/run", "/tn", name))
    end = Step(("schtasks", "/end", "/tn", name), may_fail=True)
    program, *arguments = wanted.open
    shortcut = Step(
        ("powershell", "-NoProfile", "-NonInteractive", "-Command", _SHORTCUT),
        environment={
            "TWINTAP_LINK": link,
            "TWINTAP_PROGRAM": program,
            "TWINTAP_ARGUMENTS": windows_arguments(arguments),
            "TWINTAP_ICON": f"{icon},0",
            "TWINTAP_WORDS": f"Open the screen of the two pulsers ({MARK})",
        },
    )
    return Plan(
        "windows",
        files=(File(task, _task(wanted)), File(icon, ico(png))),
        made=(link,),
        register=(Step(("schtasks", "/create", "/tn", name, "/xml", task, "/f")), shortcut),
        start=(run,),
        restart=(end, run),
        end=(end, Step(("schtasks", "/delete", "/tn", name, "/f"), may_fail=True)),
        hints=(
            "It starts when you log in. Windows may ask once whether it may receive connections: allow it on "
            "private networks.",
        ),
        log="twintap serve, by hand, which says it",
    )


def _task(wanted: Wanted) -> bytes:
    program, *arguments = wanted.serve
    text = _TASK.format(
        mark=MARK,
        user=escape(wanted.user),
        program=escape(program),
        arguments=escape(windows_arguments(arguments)),
    )
    # With its mark of the byte order, as schtasks wants it.
    return text.replace("\n", "\r\n").encode("utf-16")
