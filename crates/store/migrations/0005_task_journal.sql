-- What was noted about tasks and contexts and is not in their tables yet, in groups, as JSON. Only SQLite uses this.
CREATE TABLE task_journal (
    id INTEGER NOT NULL PRIMARY KEY,
    notes TEXT NOT NULL
);
