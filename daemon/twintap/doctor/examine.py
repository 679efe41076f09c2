"""The whole examination: every look at once, and then what it all means. It takes about two seconds."""

import asyncio
from pathlib import Path

from .. import addresses
from ..service.record import lost, read_record
from . import (
    judge_machine,
    judge_network,
    judge_pulsers,
    look_firewall,
    look_machine,
    look_network,
    look_ports,
)
from .facts import Console, Multicast, Page, Service
from .lines import Line
from .look_daemon import House

_HOSTS_MAX = 8


async def examine(house: House, data: Path, *, port: str | None = None) -> list[Line]:
    """Give every line, the most telling first.

    `house`: what the daemon says, or that there is none; `data`: the data folder; `port`: a serial port, at
    which it is asked what is there.
    """
    began = look_machine.Moment.now()
    daemon = house.daemon
    software = look_machine.software()
    hosts = daemon.addresses[:_HOSTS_MAX] if daemon.is_up else ()
    # A daemon on one address alone announces itself on that one alone.
    served = None if daemon.host in (None, addresses.ANY) else daemon.host
    async with asyncio.TaskGroup() as group:
        heard = group.create_task(asyncio.to_thread(_multicast, served))
        door = group.create_task(asyncio.to_thread(look_network.udp, house.port, hosts, house.seen_from))
        pages = group.create_task(asyncio.to_thread(_pages, house, hosts, data))
        walls = group.create_task(asyncio.to_thread(look_firewall.firewalls, house.port))
        disk = group.create_task(asyncio.to_thread(look_machine.disk, data))
        service = group.create_task(asyncio.to_thread(_service))
        ports = group.create_task(asyncio.to_thread(look_ports.serial_ports, data, port))
        told = group.create_task(_console(port, daemon.daemon_id))
    clock = await asyncio.to_thread(look_machine.clock, data, began)
    lines = judge_network.daemon(daemon)
    lines += judge_machine.service(service.result())
    if house.pulsers is not None:
        lines += judge_pulsers.pulsers(house.pulsers)
    lines += judge_pulsers.ports(ports.result(), port)
    found = told.result()
    if found is not None:
        lines += judge_pulsers.console(found)
    lines += judge_network.multicast(heard.result(), is_all=served is None, system=look_machine.system())
    lines += judge_network.firewall(
        walls.result(), port=house.port, python=software.executable, seen_from=house.seen_from
    )
    lines += judge_network.udp(door.result(), is_daemon_up=daemon.is_up)
    lines += judge_network.pages(pages.result())
    lines += judge_machine.clock(clock)
    lines += judge_machine.disk(disk.result())
    lines += judge_machine.software(software)
    return lines


def _multicast(served: str | None) -> list[Multicast]:
    found = look_network.interfaces()
    return look_network.multicast([pair for pair in found if served in (None, pair[1])])


def _pages(house: House, hosts: tuple[str, ...], data: Path) -> list[Page]:
    return look_network.pages(hosts, house.port, tls=house.daemon.is_tls, data=data)


def _service() -> Service:
    record = read_record()
    return Service(is_installed=record is not None, lost=() if record is None else lost(record))


async def _console(port: str | None, our_daemon_id: str | None) -> Console | None:
    return None if port is None else await look_ports.console(port, our_daemon_id)
