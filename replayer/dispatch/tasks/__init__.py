"""The tasks of dispatched routes: a REST request into a job's payload, and a job's result into a REST answer. Pure."""
