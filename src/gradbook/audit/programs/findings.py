"""The same records by their former names, until everybody uses those of `program_report`."""

from gradbook.audit.programs.program_report import (
    Gradient,
    NamedValue,
    ProgramReport,
    Verdict,
)
from gradbook.audit.programs.program_report import ProgramFinding as Finding
from gradbook.audit.programs.program_report import ProgramLoss as Loss
from gradbook.audit.programs.program_report import ProgramModel as Model
from gradbook.audit.programs.program_report import SourceEdit as Edit
from gradbook.audit.programs.program_report import SourceFile as Source
from gradbook.audit.programs.program_report import SourceSpan as Span

__all__ = ["Edit", "Finding", "Gradient", "Loss", "Model", "NamedValue"]
__all__ += ["ProgramReport", "Source", "Span", "Verdict"]
