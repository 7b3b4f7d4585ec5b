"""How long calls take: plans, open-loop measuring, both clocks."""
