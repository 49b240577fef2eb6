"""The search for hyper-parameters: neighbourhoods of the tuned rows, certificates, and which row to move where."""
