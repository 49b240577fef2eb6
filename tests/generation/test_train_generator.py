"""A generator trained by GRPO for real, on a CPU: through the command line, with the packaged LLM."""
