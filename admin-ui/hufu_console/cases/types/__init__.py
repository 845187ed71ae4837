"""What a manager enters beside his approval, a file per type that asks for anything."""
