"""Credentials at this moment: when they are read, asked for, and forgotten."""

import os
from tempfile import TemporaryDirectory

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.kubernetes import credentials
from meshd.kubernetes.connection import Connection, CredentialsError, ExecPlugin, Pem, User
from meshd.kubernetes.credentials import Credentials
from meshd.kubernetes.exec_plugin import Login


class FileTests(SynchronousTestCase):
    """A token in a file."""

    def setUp(self):
        """Begin."""
        self.clock = Clock()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/token"
        self.write("one\n")
        self.credentials = Credentials(Connection("https://x", user=User(token_file=self.path)), self.clock)

    def write(self, text):
        """Write the token anew."""
        with open(self.path, "w") as file:
            file.write(text)

    def token(self):
        """Give what is shown now."""
        return self.successResultOf(self.credentials.get()).token

    def test_a_token_that_is_written_anew(self):
        """It is looked at once a minute."""
        self.assertEqual("one", self.token())
        self.write("two")
        self.clock.advance(59.0)
        self.assertEqual("one", self.token())
        self.clock.advance(1.0)
        self.assertEqual("two", self.token())

    def test_a_token_that_was_refused(self):
        """It is looked at at once; but not for a login that is not the last."""
        first = self.successResultOf(self.credentials.get())
        self.write("two")
        self.credentials.refused(first)
        self.assertEqual("two", self.token())
        self.write("three")
        self.credentials.refused(first)
        self.assertEqual("two", self.token())
        self.credentials.look_again()
        self.assertEqual("three", self.token())

    def test_a_token_that_is_gone_or_none(self):
        """The text names the file; nothing of it."""
        self.write("s3cr3t\nline")
        said = str(self.failureResultOf(self.credentials.get(), CredentialsError).value)
        self.assertEqual(f"{self.path}: expected a token of letters, digits and signs of ASCII on one line, found something else", said)
        os.unlink(self.path)
        said = str(self.failureResultOf(self.credentials.get(), CredentialsError).value)
        self.assertEqual(f"{self.path}: expected a file that can be read: No such file or directory", said)

    def test_what_is_written_out_is_read_once(self):
        """There is nothing to look at."""
        found = Credentials(Connection("https://x", user=User(Pem("c"), Pem("k"), "t")), self.clock)
        first = self.successResultOf(found.get())
        self.clock.advance(1e6)
        self.assertIs(first, self.successResultOf(found.get()))
        self.assertEqual(Login("t", "c", "k"), first)


class PluginTests(SynchronousTestCase):
    """A program that gives tokens."""

    def setUp(self):
        """Begin."""
        self.runs, self.now = [], 1000.0
        self.patch(credentials, "run_plugin", self.run_plugin)
        user = User(plugin=ExecPlugin("get"))
        self.credentials = Credentials(Connection("https://x", user=user), Clock(), lambda: self.now)

    def run_plugin(self, plugin, connection, reactor):
        """Begin a run that the test ends."""
        self.runs.append(Deferred())
        return self.runs[-1]

    def test_one_run_serves_all_who_wait(self):
        """One of them may leave."""
        waiting = [self.credentials.get() for _ in range(3)]
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.runs[0].callback(Login("t"))
        self.assertEqual(["t", "t"], [self.successResultOf(one).token for one in waiting[1:]])
        self.assertEqual("t", self.successResultOf(self.credentials.get()).token)
        self.assertEqual(1, len(self.runs))

    def test_what_expires_is_asked_for_anew(self):
        """Ten seconds before."""
        self.credentials.get()
        self.runs[0].callback(Login("t", expires=1100.0))
        self.now = 1089.0
        self.successResultOf(self.credentials.get())
        self.now = 1090.0
        self.assertNoResult(self.credentials.get())
        self.assertEqual(2, len(self.runs))

    def test_what_was_refused_is_asked_for_anew(self):
        """The server knows best."""
        waiting = self.credentials.get()
        self.runs[0].callback(Login("t"))
        self.credentials.refused(self.successResultOf(waiting))
        again = self.credentials.get()
        self.runs[1].callback(Login("u"))
        self.assertEqual("u", self.successResultOf(again).token)

    def test_a_run_that_fails_is_not_the_last(self):
        """Whoever asks next begins another."""
        waiting = self.credentials.get()
        self.runs[0].errback(CredentialsError("no"))
        self.failureResultOf(waiting, CredentialsError)
        self.assertNoResult(self.credentials.get())
        self.assertEqual(2, len(self.runs))

    def test_closing_ends_the_run(self):
        """Who waits is told."""
        waiting = self.credentials.get()
        self.credentials.close()
        self.failureResultOf(waiting, CredentialsError)
