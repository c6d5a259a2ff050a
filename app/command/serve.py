"""`tms-standin serve`: serves by the settings, which its help lists. How is serving.py's business."""

import click


class _Serve(click.Command):
    """A command whose help ends with every setting."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the settings; they are read for the help alone."""
        from ..settings import settings_table

        with formatter.section("Settings (in the environment TMS_STANDIN_ and the upper-case name)"):
            formatter.write_dl([(setting.key, setting.help) for setting in settings_table()], col_max=40)


@click.command(cls=_Serve)
def serve() -> int:
    """Serve until SIGINT or SIGTERM.

    The settings are those of the environment, of tms.toml and the defaults. The first start makes, migrates and seeds the database. The lines of the start say where it listens, what it read,
    and what to export for clients.
    """
    # Imported here, so that no other command waits for it.
    from ..serving import serve as serve_by_settings

    return serve_by_settings()
