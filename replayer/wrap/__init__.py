"""Running a program with its clients pointed at us: its environment, its process, its trust."""
