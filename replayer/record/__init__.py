"""The recorder: mitmproxy, embedded in a process of its own. Nothing else imports mitmproxy."""
