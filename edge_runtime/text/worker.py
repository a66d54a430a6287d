"""A replica in a child process that can be killed: a hang, a crash or a glutton costs a section, for now, here.

Owns the making of replicas. All Docs of a dead child are lost; each is rebuilt from its entries by whoever shows it,
the one that killed it up to the update that did. Refuses to judge anything.
"""

from __future__ import annotations

import weakref

from edge_runtime.processes.starting import can_start
from edge_runtime.text.replica import InProcessReplica, Replica
from edge_runtime.text.worker_child import BoundDoc, Child
from edge_runtime.text.worker_replica import WorkerReplica


def is_wanted(setting: str | None) -> bool:
    """Whether a setting asks for a worker: "1" or "0"; unset or anything else, wherever one can be started."""
    return setting != "0" and can_start()


class TextWorker(Child):
    """One child at a time, and the replicas that live in it."""

    def replica(self) -> Replica:
        """An empty replica, a `MakeReplica`; in this process where it turned out that no child can be started."""
        with self._lock:
            if not self._startable:
                return InProcessReplica()
            self._docs += 1
            made = WorkerReplica(self, BoundDoc(self._docs))
            weakref.finalize(made, self._freed.append, self._docs).atexit = False
            return made
