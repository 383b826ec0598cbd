"""Notices of changes in folders, through inotify where the kernel has room for it."""

import os
from collections.abc import Callable, Mapping

import attrs
from twisted.internet import inotify
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath
from zope.interface import Interface, implementer

log = Logger()

_COMPLETE = inotify.IN_CLOSE_WRITE | inotify.IN_MOVED_TO | inotify.IN_MOVED_FROM | inotify.IN_DELETE
_STARTED = inotify.IN_CREATE | inotify.IN_ATTRIB
_SELF = inotify.IN_DELETE_SELF | inotify.IN_MOVE_SELF | inotify.IN_UNMOUNT
_MASK = _COMPLETE | _STARTED | _SELF


@attrs.frozen
class Notice:
    """
    Something happened in a folder.

    Attributes:
        folder: Path as it was given to `watch`; empty when notices were lost.
        name: What it happened to; empty for the folder itself.
        complete: The file is whole again: closed after writing, moved or gone; or the folder was moved here, or the link set.
        folders: Folders or links came or went, so that single files are not all.
    """

    folder: str
    name: str
    complete: bool
    folders: bool


class IWatch(Interface):
    """What can tell of changes in folders; telling none is allowed, telling too many too."""

    def start(on_notice: Callable[[Notice], None]) -> None:
        """Begin; notices go to `on_notice`."""

    def watch(folders: Mapping[str, tuple[int, int]]) -> None:
        """Watch these folders and no others: path -> (device, inode)."""

    def stop() -> None:
        """End, and let go of everything."""


class _Notifier(inotify.INotify):
    """Twisted's inotify, which closes itself when a watched folder is deleted: it says so."""

    def __init__(self, reactor: IReactorFDSet, on_close: Callable[[], None]) -> None:
        inotify.INotify.__init__(self, reactor)
        self._on_close = on_close

    def connectionLost(self, reason: Failure) -> None:
        """Tell of the end, whatever caused it."""
        inotify.INotify.connectionLost(self, reason)
        self._on_close()


@implementer(IWatch)
class FolderWatch:
    """inotify on folders; where it cannot be had, it says so once in the log and tells nothing."""

    def __init__(self, reactor: IReactorFDSet) -> None:
        self._reactor = reactor
        self._notifier: inotify.INotify | None = None
        self._watched: dict[str, tuple[int, int]] = {}
        self._on_notice: Callable[[Notice], None] = _ignore
        self._running = False
        self._complained = False

    def start(self, on_notice: Callable[[Notice], None]) -> None:
        """Begin; notices go to `on_notice`."""
        self._on_notice = on_notice
        self._running = True
        self._open()

    def watch(self, folders: Mapping[str, tuple[int, int]]) -> None:
        """Watch these folders and no others: path -> (device, inode)."""
        for path, place in list(self._watched.items()):
            if folders.get(path) != place and self._notifier is not None:
                self._notifier.ignore(FilePath(os.fsencode(path)))
                del self._watched[path]
        for path, place in folders.items():
            if path not in self._watched and self._add(path):
                self._watched[path] = place

    def stop(self) -> None:
        """End, and let go of everything."""
        self._running = False
        self._watched = {}
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            notifier.loseConnection()

    def _open(self) -> None:
        try:
            notifier: inotify.INotify = _Notifier(self._reactor, self._closed)
        except inotify.INotifyError as error:
            self._complain(error)
        else:
            self._notifier = notifier
            notifier.startReading()

    def _closed(self) -> None:
        """Begin anew after a watched folder was deleted; what happened in between is lost."""
        if self._running:
            self._notifier = None
            folders, self._watched = self._watched, {}
            self._open()
            self.watch(folders)
            self._on_notice(Notice("", "", complete=False, folders=True))

    def _add(self, path: str) -> bool:
        if self._notifier is None:
            return False
        try:
            self._notifier.watch(FilePath(os.fsencode(path)), _MASK, callbacks=[self._notify])
        except inotify.INotifyError as error:
            if os.path.isdir(path):
                self._complain(error)
            return False
        return True

    def _notify(self, _watch: object, path: FilePath[bytes], mask: int) -> None:
        full = os.fsdecode(path.path)
        if mask & _SELF:
            self._on_notice(Notice(full, "", complete=False, folders=True))
        elif mask & (_COMPLETE | _STARTED):
            folder, name = os.path.split(full)
            link = os.path.islink(full)
            folders = bool(mask & inotify.IN_ISDIR) or (link and name.startswith("."))
            complete = link or bool(mask & (inotify.IN_MOVED_TO if folders else _COMPLETE))
            self._on_notice(Notice(folder, name, complete=complete, folders=folders))

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warn("changes are found by looking every few seconds only, inotify has no room: {reason}", reason=str(error))


def _ignore(notice: Notice) -> None:
    """Take a notice that nobody waits for."""
