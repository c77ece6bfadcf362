"""`-- COMMAND`: what stands behind the two dashes is a program to run, not our arguments."""

from __future__ import annotations

import click

__all__ = ["WrappingCommand"]


class WrappingCommand(click.Command):
    """A command whose callback gets `wrapped`: the words behind `--`, or None where there is no `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        wrapped: tuple[str, ...] | None = None
        if "--" in args:
            place = args.index("--")
            args, wrapped = args[:place], tuple(args[place + 1 :])
            if not wrapped:
                raise click.UsageError("behind -- stands the program to run, such as -- pytest tests", ctx)
        left = super().parse_args(ctx, args)
        ctx.params["wrapped"] = wrapped
        return left

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND…]"]
