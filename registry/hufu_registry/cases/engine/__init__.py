"""What every case has: moves, who decides, queue and timeline. It knows no type of case; the features bring them."""
